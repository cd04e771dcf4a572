"""Checks of the words of rules in a CRD's schema: that they are there, and refer to what exists.

``schemachecks`` calls ``check_words`` for every level of a schema; whether rules compile and what they cost
is for ``structural.celbudgets``.
"""

import ast
import re
from collections.abc import Iterator

from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes, celvalues
from mlplane.structural.celbudgets import RULES
from mlplane.structural.nodes import Node, node_of

_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_TOKEN = re.compile(r"\.|\[|\]|'(?:\\.|[^'\\])*'|[^.\[\]']+")


def check_words(schema: Body, path: str) -> Iterator[Cause]:
    """What is wrong with the rules of a level, their CEL aside."""
    for index, entry in enumerate(schema.get(RULES) or ()):
        where = f"{path}.{RULES}[{index}]"
        yield from _check_texts(entry, where)
        reason = entry.get("reason")
        if reason is not None and reason not in _REASONS:
            yield causes.not_supported(f"{where}.reason", reason, _REASONS)
        if field := entry.get("fieldPath"):
            yield from _check_field(schema, field, f"{where}.fieldPath")


def _check_texts(entry: Body, where: str) -> Iterator[Cause]:
    rule, message, expression = (entry.get(key) or "" for key in ("rule", "message", "messageExpression"))
    if not rule.strip():
        yield causes.required(f"{where}.rule", "rule is not specified")
    elif message and not message.strip():
        yield causes.invalid(f"{where}.message", message, "must be non-empty if specified")
    elif _breaks(message.strip()):
        yield causes.invalid(f"{where}.message", message, "must not contain line breaks")
    elif _breaks(rule.strip()) and not message.strip():
        detail = "message must be specified if rule contains line breaks"
        yield causes.required(f"{where}.message", detail)
    if expression and not expression.strip():
        detail = "messageExpression must be non-empty if specified"
        yield causes.required(f"{where}.messageExpression", detail)


def _check_field(schema: Body, field: str, where: str) -> Iterator[Cause]:
    if not field.strip():
        yield causes.invalid(where, field, "must be non-empty if specified")
    if _breaks(field):
        yield causes.invalid(where, field, "must not contain line breaks")
    try:
        field_of(field, node_of(schema))
    except ValueError:
        yield causes.invalid(where, field, "must be a valid path")


def _breaks(text: str) -> bool:
    return "\n" in text or "\r" in text


def field_of(path: str, node: Node, *, brackets: bool = True) -> tuple[list[str], Node]:
    """The steps of a path such as ``.spec['a.b']``, and the schema of what it leads to.

    Raises:
        ValueError: It leads nowhere, or is none; the text says why.
    """
    tokens = _TOKEN.findall(path)
    steps: list[str] = []
    current = node
    while tokens:
        match tokens.pop(0):
            case "." if tokens:
                name = tokens.pop(0)
                if name in celvalues.KEYWORDS or not re.fullmatch(r"[A-Za-z_$][\w$-]*", name):
                    raise ValueError("does not refer to a valid field")
            case "[" if not brackets:
                raise ValueError("array notation is not allowed")
            case "[" if tokens:
                name = _quoted(tokens)
            case "." | "[":
                raise ValueError("unexpected end of JSON path")
            case token:
                raise ValueError(f"expected [ or . but got: {token}")
        found = current.child(name) if current.type == "object" or not current.type else None
        if found is None:
            raise ValueError("does not refer to a valid field")
        steps.append(name)
        current = found
    if not steps:
        raise ValueError("does not refer to a valid field")
    return steps, current


def _quoted(tokens: list[str]) -> str:
    token = tokens.pop(0)
    if not token.startswith("'"):
        raise ValueError(f"expected single quoted string but got {token}")
    if not tokens:
        raise ValueError("unexpected end of JSON path")
    if (end := tokens.pop(0)) != "]":
        raise ValueError(f"expected ] but got {end}")
    return str(ast.literal_eval(token))
