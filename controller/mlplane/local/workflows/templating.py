"""Argo's simple template tags and ``when`` expressions: pure, and without surprises.

A tag that is not known is an error, never text that is left as it was. What a tag is replaced by is
not looked at again: an output cannot smuggle in a tag.
"""

import re
from collections.abc import Mapping
from typing import Any

from mlplane.errors import Terminal

Scope = Mapping[str, str | None]
"""Tag to value; None is the output of a skipped step that has no default."""

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OPERAND = r"""'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*"""
_COMPARISON = re.compile(rf"\s*({_OPERAND})\s*(==|!=)\s*({_OPERAND})\s*")


class Unresolvable(Terminal):
    """A template that cannot be filled in."""


def tags_of(value: Any) -> frozenset[str]:
    """All tags in the strings of a JSON value."""
    if isinstance(value, str):
        return frozenset(tag.strip() for tag in _TAG.findall(value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return frozenset().union(*map(tags_of, inner))


def substitute(value: Any, scope: Scope) -> Any:
    """A JSON value with the tags in its strings replaced.

    Raises:
        Unresolvable: a tag is not known, or stands for an output that a skipped step does not have.
    """
    if isinstance(value, str):
        return _TAG.sub(lambda found: _value(found[1].strip(), scope), value)
    if isinstance(value, dict):
        return {key: substitute(each, scope) for key, each in value.items()}
    if isinstance(value, list):
        return [substitute(each, scope) for each in value]
    return value


def _value(tag: str, scope: Scope) -> str:
    if tag not in scope:
        message = f"failed to resolve {{{{{tag}}}}}"
        raise Unresolvable(message)
    value = scope[tag]
    if value is None:
        message = (
            f"unable to substitute {{{{{tag}}}}}: output is an absent optional "
            "(skipped/omitted node with no default)"
        )
        raise Unresolvable(message)
    return value


def is_absent(value: Any, scope: Scope) -> bool:
    """Whether a value is nothing but a reference to an output that a skipped step does not have."""
    found = _TAG.fullmatch(value.strip()) if isinstance(value, str) else None
    tag = found[1].strip() if found else ""
    return tag in scope and scope[tag] is None


def should_execute(when: str) -> bool:
    """Evaluate a ``when`` expression whose tags are replaced: ``a == b`` or ``a != b``; empty is true.

    Raises:
        Unresolvable: it is something else.
    """
    if not when:
        return True
    found = _COMPARISON.fullmatch(when)
    if found is None:
        message = (
            f"Invalid 'when' expression '{when}': only A == B and A != B are supported, where each is "
            'a word, a number or a quoted string (hint: try wrapping the affected expression in quotes ("))'
        )
        raise Unresolvable(message)
    left, operator, right = found.groups()
    return (_operand(left) == _operand(right)) == (operator == "==")


def _operand(text: str) -> tuple[str, Any]:
    """Type and value: a number never equals a string, a quoted word equals the same word unquoted."""
    if text[0] in "'\"":
        return "string", text[1:-1]
    if text in ("true", "false"):
        return "boolean", text
    if text[0] == "-" or text[0].isdigit():
        return "number", float(text)
    return "string", text
