"""The language of ``when`` (govaluate): pure.

Words need no quotes: they stand for themselves, for a condition is evaluated after its tags are replaced.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from mlplane.local.workflows.exprfunctions import ExpressionError
from mlplane.local.workflows.exprguard import guarded, matches
from mlplane.local.workflows.gotext import text_of

Code = Callable[[], Any]

_GRAMMAR = r"""
    ?start: expr
    ?expr: any_of | any_of "?" expr ":" expr -> choose
    ?any_of: all_of | any_of "||" all_of -> either
    ?all_of: compared | all_of "&&" compared -> both
    ?compared: sum | compared COMPARATOR sum -> binary
    ?sum: product | sum ADDER product -> binary
    ?product: prefixed | product MULTIPLIER prefixed -> binary
    ?prefixed: atom | "!" prefixed -> inverted | "-" prefixed -> negative
    ?atom: "(" list ")" | NUMBER -> number | STRING -> string | WORD -> word
    ?list: expr | expr ("," expr)+ -> items
    COMPARATOR.2: "==" | "!=" | "<=" | ">=" | "<" | ">" | "=~" | "!~" | /in\b/
    ADDER: "+" | "-"
    MULTIPLIER: "**" | "*" | "/" | "%"
    NUMBER: /0x[0-9a-fA-F]+|\d+(\.\d+)?/
    STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
    WORD: /(?!in\b)[A-Za-z_][A-Za-z0-9_]*/
    %ignore /\s+/
"""


class NotAnExpression(ExpressionError):
    """A text that cannot be parsed."""


def evaluate(text: str) -> Any:
    """The value of a condition: a bool, a number or a string.

    Raises:
        NotAnExpression: it cannot be parsed.
        ExpressionError: it mixes what cannot be mixed.
    """
    with guarded(text):
        return _parsed(text)()


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> Code:
    try:
        code: Code = _Functions().transform(_parser().parse(text))
    except UnexpectedInput as error:
        is_over = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        message = "unexpected end" if is_over else f"unexpected {text[error.pos_in_stream or 0 :][:20]!r}"
        raise NotAnExpression(message) from None
    except VisitError as error:
        raise error.orig_exc from None
    return code


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compare(sign: str, left: Any, right: Any) -> Any:
    if sign in ("==", "!="):
        same = type(left) is type(right) or (_is_number(left) and _is_number(right))
        return (same and left == right) == (sign == "==")
    if sign == "in":
        return any(_compare("==", left, each) for each in _listed(right))
    if sign in ("=~", "!~") and isinstance(left, str) and isinstance(right, str):
        return matches(left, right) == (sign == "=~")
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        return text_of(left) + text_of(right)
    both_text = isinstance(left, str) and isinstance(right, str) and sign in ("<", ">", "<=", ">=")
    if not both_text and not (_is_number(left) and _is_number(right)):
        what = "comparator" if sign in ("<", ">", "<=", ">=", "=~", "!~") else "modifier"
        message = f"values '{text_of(left)}' and '{text_of(right)}' cannot be used with the {what} '{sign}'"
        raise ExpressionError(message)
    return _OPERATORS[sign](left, right)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "**": lambda left, right: left**right,
    "/": lambda left, right: left / right if right else float("inf"),
    "%": lambda left, right: left % right if right else float("nan"),
}


def _truth(value: Any, sign: str) -> bool:
    if not isinstance(value, bool):
        message = (
            f"Value '{text_of(value)}' cannot be used with the logical operator '{sign}', it is not a bool"
        )
        raise ExpressionError(message)
    return value


@v_args(inline=True)
class _Functions(Transformer[Token, Code]):
    """Makes a function of each rule, so that the right of ``&&`` is evaluated only if it matters."""

    def number(self, token: Token) -> Code:
        return lambda: float(int(token, 16)) if token.startswith("0x") else float(token)

    def string(self, token: Token) -> Code:
        return lambda: re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)

    def word(self, token: Token) -> Code:
        return lambda: token == "true" if token in ("true", "false") else str(token)  # noqa: S105

    def items(self, *each: Code) -> Code:
        return lambda: [one() for one in each]

    def choose(self, condition: Code, yes: Code, no: Code) -> Code:
        return lambda: yes() if _truth(condition(), "?") else no()

    def either(self, left: Code, right: Code) -> Code:
        return lambda: _truth(left(), "||") or _truth(right(), "||")

    def both(self, left: Code, right: Code) -> Code:
        return lambda: _truth(left(), "&&") and _truth(right(), "&&")

    def inverted(self, value: Code) -> Code:
        return lambda: not _truth(value(), "!")

    def negative(self, value: Code) -> Code:
        return lambda: _compare("-", 0.0, value())

    def binary(self, left: Code, sign: Token, right: Code) -> Code:
        return lambda: _compare(str(sign), left(), right())
