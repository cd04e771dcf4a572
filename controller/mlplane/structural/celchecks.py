"""CEL expressions type-checked against a schema, as the real server does when a CRD is written.

``celbudgets`` calls it. ``celrules`` compiles them once more to evaluate them: there, objects are plain maps.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from cel_expr_python import cel

from mlplane.errors import InvalidInput
from mlplane.structural import celast, valueformats
from mlplane.structural.cellibrary import functions, opaque_types
from mlplane.structural.celrules import config
from mlplane.structural.celtypes import Declared, Messages, pool_of
from mlplane.structural.nodes import go_pattern

_WORDS = (
    (re.compile(r"(undefined field '[^']*') not found in struct '[^']*'"), r"\1"),
    (re.compile(r"\bselfType\.t\d+\b"), "object"),
    (re.compile(r"has\(\) argument must be a field selection"), "invalid argument to has() macro"),
    (
        re.compile(r"expression of type ('[^']*') cannot be the operand of a select operation"),
        r"type \1 does not support field selection",
    ),
)
"""What the engine says otherwise than Go's."""
_MEMBER = re.compile(
    r"<input>:\d+:(\d+): found no matching overload for '(\w+)' applied to '\((.*)\)'\n \| (.*)"
)
_FOLLOWS = re.compile(r"\n?ERROR: [^\n]*\*error\*[^\n]*\n[^\n]*\n[^\n]*")
"""Complaints that only follow from others."""


class Checker:
    """Checks expressions over ``self`` and ``oldSelf`` of one type."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self._messages = Messages(declared)

    def checked(self, expression: str, result: str, *, optional_old: bool = False) -> celast.Checked:
        """A checked expression.

        Args:
            expression: The CEL text.
            result: Type that it must have: bool or string.
            optional_old: Whether ``oldSelf`` is an optional.

        Raises:
            InvalidInput: It is not valid CEL, or has another type; the text holds CEL's own words.
        """
        self_type = self._messages.type
        old = {"type_name": "optional_type", "params": [self_type]} if optional_old else self_type
        environment = _environment(self._messages.file, json.dumps({"self": self_type, "oldSelf": old}))
        try:
            program = environment.compile(expression)
        except RuntimeError as error:
            text = str(error).removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
            prefix = "compilation" if result == "bool" else "messageExpression compilation"
            raise InvalidInput(f"{prefix} failed: {_worded(text)}") from None
        if program.return_type() != (cel.Type.BOOL if result == "bool" else cel.Type.STRING):
            what = "cel expression" if result == "bool" else "messageExpression"
            raise InvalidInput(f"{what} must evaluate to a {result}")
        checked = celast.parse(program.serialize())
        if wrong := list(_wrong_literals(checked, expression)):
            raise InvalidInput(f"compilation failed: {chr(10).join(wrong)}")
        return checked


@functools.lru_cache(maxsize=64)
def _environment(file: bytes, variables: str) -> Any:
    """What an expression is compiled in; many levels of a schema have the same type.

    Args:
        file: The message types, serialised.
        variables: Types of the variables, as JSON.
    """
    return cel.NewEnv(
        descriptor_pool=pool_of(file),
        config=config(json.loads(variables)),
        functions=functions(opaque_types()),
    )


def _wrong_literals(checked: celast.Checked, text: str) -> Iterator[str]:
    """Patterns and times that are written out, and are none."""
    for expr in celast.walk(checked.root):
        parse = _LITERALS.get(expr.name) if expr.kind == "call" else None
        last = expr.children[-1] if expr.children else None
        if parse is None or last is None or not isinstance(last.value, str):
            continue
        try:
            parse(last.value)
        except (re.error, ValueError):
            yield _located(text, checked.positions.get(last.id, 0), f"invalid {expr.name} argument")


def _located(text: str, position: int, problem: str) -> str:
    """A complaint with the line that it is about."""
    before, line = text[:position], text.count("\n", 0, position) + 1
    column = position - (before.rfind("\n") + 1)
    return (
        f"ERROR: <input>:{line}:{column + 1}: {problem}\n | {text.splitlines()[line - 1]}\n | {'.' * column}^"
    )


def _time(text: str) -> None:
    if not valueformats.is_valid(text, "date-time"):
        raise ValueError(text)


def _duration(text: str) -> None:
    if not valueformats.is_go_duration(text):
        raise ValueError(text)


_LITERALS: dict[str, Callable[[str], Any]] = {
    "duration": _duration,
    "matches": lambda text: re.compile(go_pattern(text)),
    "timestamp": _time,
}


def _as_member(found: re.Match[str]) -> str:
    """Go writes what a member function is called on before the dot."""
    column, name, kinds, line = int(found[1]), found[2], found[3], found[4]
    if not line[: column - 1].endswith(f".{name}"):
        return found[0]
    depth, first = 0, len(kinds)
    for place, letter in enumerate(kinds):
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and depth == 0:
            first = place
            break
    return found[0].replace(f"'({kinds})'", f"'{kinds[:first]}.({kinds[first:].removeprefix(', ')})'", 1)


def _worded(text: str) -> str:
    text = _MEMBER.sub(_as_member, _FOLLOWS.sub("", text))
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text
