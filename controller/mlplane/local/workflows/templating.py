"""Argo's template tags and ``when`` conditions: pure, and without surprises.

A tag that is not known is an error, never text that is left as it was. What a tag is replaced by is
not looked at again: an output cannot smuggle in a tag.
"""

import re
from collections.abc import Mapping
from typing import Any

from mlplane.errors import Terminal
from mlplane.local.workflows import exprlang, whenlang
from mlplane.local.workflows.exprfunctions import ExpressionError
from mlplane.local.workflows.gotext import text_of

Scope = Mapping[str, str | None]
"""Tag to value; None is the output of a skipped step that has no default."""

ABSENT = "output is an absent optional (skipped/omitted node with no default)"
_TAG = re.compile(r"\{\{(=.*?\}*|.*?)\}\}", re.DOTALL)
"""The braces that end an expression may follow a brace of its own."""


class Unresolvable(Terminal):
    """A template that cannot be filled in."""


def tags_of(value: Any) -> frozenset[str]:
    """All tags in the strings of a JSON value; those with an expression begin with ``=``."""
    if isinstance(value, str):
        return frozenset(tag.strip() for tag in _TAG.findall(value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return frozenset().union(*map(tags_of, inner))


def substitute(value: Any, scope: Scope) -> Any:
    """A JSON value with the tags in its strings replaced.

    Raises:
        Unresolvable: a tag is not known, stands for an output that a skipped step does not have, or is an
            expression without a value.
    """
    if isinstance(value, str):
        return _TAG.sub(lambda found: _value(found[1].strip(), scope), value)
    if isinstance(value, dict):
        return {key: substitute(each, scope) for key, each in value.items()}
    if isinstance(value, list):
        return [substitute(each, scope) for each in value]
    return value


def _value(tag: str, scope: Scope) -> str:
    if tag.startswith("="):
        return _evaluated(tag[1:], scope)
    if tag not in scope:
        message = f"failed to resolve {{{{{tag}}}}}"
        raise Unresolvable(message)
    value = scope[tag]
    if value is None:
        message = f"unable to substitute {{{{{tag}}}}}: {ABSENT}"
        raise Unresolvable(message)
    return value


def _evaluated(expression: str, scope: Scope) -> str:
    try:
        value = exprlang.evaluate(expression, scope)
    except ExpressionError as error:
        message = f"failed to evaluate expression: {error}"
        raise Unresolvable(message) from None
    if value is None:
        message = f'failed to evaluate expression "{expression}"'
        raise Unresolvable(message)
    return text_of(value)


def is_absent(value: Any, scope: Scope) -> bool:
    """Whether a value is nothing but a reference to an output that a skipped step does not have."""
    found = _TAG.fullmatch(value.strip()) if isinstance(value, str) else None
    tag = found[1].strip() if found else ""
    return tag in scope and scope[tag] is None


def should_execute(when: str) -> bool:
    """Evaluate a ``when`` condition whose tags are replaced; empty is true.

    Raises:
        Unresolvable: it is no condition.
    """
    if not when:
        return True
    try:
        value = whenlang.evaluate(when)
    except whenlang.NotAnExpression as error:
        hint = '(hint: try wrapping the affected expression in quotes ("))'
        message = f"Invalid 'when' expression '{when}': {error} {hint}"
        raise Unresolvable(message) from None
    except ExpressionError as error:
        message = f"Failed to evaluate 'when' expresion '{when}': {error}"  # as Argo spells it
        raise Unresolvable(message) from None
    if not isinstance(value, bool):
        message = f"Expected boolean evaluation for '{when}'. Got {text_of(value)}"
        raise Unresolvable(message)
    return value


def evaluate(expression: str, scope: Scope) -> Any:
    """The value of an ``expression`` field. Raises Unresolvable."""
    try:
        return exprlang.evaluate(expression, scope)
    except ExpressionError as error:
        raise Unresolvable(str(error)) from None


def holds(expression: str, scope: Scope) -> bool:
    """The same for one that must be true or false. Raises Unresolvable."""
    try:
        return exprlang.holds(expression, scope)
    except ExpressionError as error:
        message = f"unable to evaluate expression '{expression}': {error}"
        raise Unresolvable(message) from None
