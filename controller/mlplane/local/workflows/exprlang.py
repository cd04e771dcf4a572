"""The expression language of Argo's ``{{=…}}`` tags, ``expression`` and ``depends`` fields (expr-lang). Pure.

The grammar is parsed by Lark; each rule becomes a function of the scope, so that what is not reached
(the other branch, the right of ``&&``) is not evaluated. Functions are in ``exprfunctions.py``.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from mlplane.local.workflows import exprvalues as values
from mlplane.local.workflows.exprfunctions import FUNCTIONS, PREDICATES, ExpressionError, Scope
from mlplane.local.workflows.exprguard import guarded
from mlplane.local.workflows.gotext import text_of

Code = Callable[[Scope], Any]

_GRAMMAR = r"""
    ?start: expr
    ?expr: pipe | pipe "?" expr ":" expr -> choose
    ?pipe: any_of | pipe "|" NAME arguments -> piped
    ?any_of: all_of | any_of ("||" | "or") all_of -> either
    ?all_of: compared | all_of ("&&" | "and") compared -> both
    ?compared: ranged | compared COMPARATOR ranged -> binary | compared "not" "in" ranged -> not_in
    ?ranged: sum | sum ".." sum -> span
    ?sum: product | sum ADDER product -> binary
    ?product: inverse | product MULTIPLIER inverse -> binary
    ?inverse: signed | ("!" | "not") inverse -> inverted
    ?signed: power | "-" signed -> negative | "+" signed
    ?power: fallback | fallback ("**" | "^") signed -> raised
    ?fallback: atom | fallback "??" atom -> default
    ?atom: "(" expr ")" | list | mapping
        | NUMBER -> number | STRING -> string | NAME -> name
        | NAME arguments -> call
        | atom "." NAME arguments -> method
        | atom "." NAME -> member | atom "?." NAME -> maybe_member
        | atom "[" expr "]" -> index | atom "[" [expr] ":" [expr] "]" -> slice
        | "#" -> element | "#" "." NAME -> element_member | "." NAME -> element_member
    list: "[" [expr ("," expr)* ","?] "]"
    mapping: "{" [pair ("," pair)* ","?] "}"
    pair: (NAME | STRING) ":" expr
    arguments: "(" [argument ("," argument)*] ")"
    ?argument: expr | "{" expr "}"
    COMPARATOR.2: "==" | "!=" | "<=" | ">=" | "<" | ">" | /(in|matches|contains|startsWith|endsWith)\b/
    ADDER: "+" | "-"
    MULTIPLIER: "*" | "/" | "%"
    NUMBER: /0x[0-9a-fA-F]+|\d[\d_]*\.\d+([eE][+-]?\d+)?|\d[\d_]*([eE][+-]?\d+)?/
    STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`[^`]*`/s
    NAME: /(?!(and|or|not|in|matches|contains|startsWith|endsWith)\b)[A-Za-z_$][A-Za-z0-9_$]*/
    COMMENT: /\/\*.*?\*\//s | /\/\/[^\n]*/
    %ignore /\s+/
    %ignore COMMENT
"""
_CONSTANTS = {"true": True, "false": False, "nil": None}


def evaluate(text: str, known: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Args:
        text: The expression.
        known: Variables by their dotted names, such as ``steps.a.outputs.result``; None is an absent output.

    Raises:
        ExpressionError: it cannot be parsed, names what is not known, or mixes what cannot be mixed.
    """
    with guarded(text):
        value = _parsed(text)(Scope(expanded(known)))
        text_of(value).encode()  # what cannot be written down is no value
    return value


def holds(text: str, known: Mapping[str, Any]) -> bool:
    """The same for an expression that must be true or false."""
    value = evaluate(text, known)
    if not isinstance(value, bool):
        message = f"unable to cast expression result '{value}' to bool"
        raise ExpressionError(message)
    return value


def check(text: str) -> None:
    """Raise ``ExpressionError`` if the text is no expression."""
    with guarded(text):
        _parsed(text)


def expanded(known: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested maps; a name that others begin with gives way to them."""
    tree: dict[str, Any] = {}
    for name in sorted(known):
        *parents, last = name.split(".")
        place = tree
        for parent in parents:
            if not isinstance(place.get(parent), dict):
                place[parent] = {}
            place = place[parent]
        place[last] = known[name]
    return tree


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> Code:
    try:
        code: Code = _Functions().transform(_parser().parse(text))
    except UnexpectedInput as error:
        message = f"{text!r} is no expression; it goes wrong {_place(text, error)}"
        raise ExpressionError(message) from None
    except VisitError as error:
        raise error.orig_exc from None
    return code


def _place(text: str, error: UnexpectedInput) -> str:
    is_over = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    return "at its end" if is_over else f"at {text[error.pos_in_stream or 0 :][:20]!r}"


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _called(name: str, arguments: list[Any]) -> Any:
    function = PREDICATES.get(name) or FUNCTIONS[name]
    try:
        return function(*arguments)
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        message = f"{name}: {error}"
        raise ExpressionError(message) from None


@v_args(inline=True)
class _Functions(Transformer[Token, Code]):
    """Makes a function of the scope of each rule."""

    def number(self, token: Token) -> Code:
        value = values.number(token)
        return lambda _: value

    def string(self, token: Token) -> Code:
        value = values.unquoted(token)
        return lambda _: value

    def name(self, token: Token) -> Code:
        return lambda scope: _CONSTANTS[token] if token in _CONSTANTS else scope.variable(token)

    def list(self, *items: Code | None) -> Code:
        return lambda scope: [item(scope) for item in items if item]

    def mapping(self, *pairs: tuple[str, Code] | None) -> Code:
        return lambda scope: {pair[0]: pair[1](scope) for pair in pairs if pair}

    def pair(self, key: Token, value: Code) -> tuple[str, Code]:
        return (values.unquoted(key) if key.type == "STRING" else str(key)), value

    def arguments(self, *each: Code | None) -> tuple[Code, ...]:
        return tuple(one for one in each if one)

    def call(self, token: Token, arguments: tuple[Code, ...]) -> Code:
        if token in PREDICATES and arguments:
            return lambda scope: _called(token, [scope, arguments[0](scope), *arguments[1:]])
        if token not in FUNCTIONS:
            message = f"unknown name {token}: there is no function of this name here"
            raise ExpressionError(message)
        return lambda scope: _called(token, [argument(scope) for argument in arguments])

    def piped(self, value: Code, token: Token, arguments: tuple[Code, ...]) -> Code:
        return self.call(token, (value, *arguments))

    def method(self, _: Code, token: Token, __: tuple[Code, ...]) -> Code:
        message = f"the function {token} of a library, such as sprig, is not supported here"
        raise ExpressionError(message)

    def member(self, value: Code, token: Token) -> Code:
        return lambda scope: values.fetch(value(scope), str(token))

    def maybe_member(self, value: Code, token: Token) -> Code:
        return lambda scope: None if (found := value(scope)) is None else values.fetch(found, str(token))

    def index(self, value: Code, key: Code) -> Code:
        return lambda scope: values.fetch(value(scope), key(scope))

    def slice(self, value: Code, start: Code | None, end: Code | None) -> Code:
        return lambda scope: value(scope)[start and start(scope) : end and end(scope)]

    def element(self) -> Code:
        return lambda scope: scope.element

    def element_member(self, token: Token) -> Code:
        return lambda scope: values.fetch(scope.element, str(token))

    def choose(self, condition: Code, yes: Code, no: Code) -> Code:
        return lambda scope: yes(scope) if values.truth(condition(scope), "?:") else no(scope)

    def either(self, left: Code, right: Code) -> Code:
        return lambda scope: values.truth(left(scope), "||") or values.truth(right(scope), "||")

    def both(self, left: Code, right: Code) -> Code:
        return lambda scope: values.truth(left(scope), "&&") and values.truth(right(scope), "&&")

    def inverted(self, value: Code) -> Code:
        return lambda scope: not values.truth(value(scope), "!")

    def negative(self, value: Code) -> Code:
        return lambda scope: values.apply("-", 0, value(scope))

    def binary(self, left: Code, sign: Token, right: Code) -> Code:
        return lambda scope: values.apply(str(sign), left(scope), right(scope))

    def not_in(self, left: Code, right: Code) -> Code:
        return lambda scope: not values.contained(left(scope), right(scope))

    def span(self, start: Code, end: Code) -> Code:
        return lambda scope: values.span(start(scope), end(scope))

    def raised(self, left: Code, right: Code) -> Code:
        return lambda scope: values.power(left(scope), right(scope))

    def default(self, left: Code, right: Code) -> Code:
        def code(scope: Scope) -> Any:
            try:
                found = left(scope)
            except ExpressionError:
                found = None
            return right(scope) if found is None else found

        return code
