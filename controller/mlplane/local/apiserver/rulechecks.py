"""Checks of the CEL rules in a CRD's schema: they compile, and refer to what exists.

``crdchecks`` calls ``check_rules`` for every level of a schema.
"""

import re
from collections.abc import Iterator

from mlplane.errors import InvalidInput
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes, celrules, celvalues
from mlplane.structural.nodes import Node, node_of

_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_LITERAL = re.compile(r"""r?("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
_CHAIN = re.compile(r"\b(?:self|oldSelf)((?:\s*\.\s*[A-Za-z_]\w*(?!\w|\s*\())+)")
_STEP = re.compile(r"\.\s*([A-Za-z_]\w*)")
_FIELD = re.compile(r"\.([^.\[\]]+)|\['((?:\\.|[^'\\])*)'\]")


def check_rules(schema: Body, path: str, *, correlatable: bool) -> Iterator[Cause]:
    """What is wrong with the rules of one level of a schema.

    Args:
        schema: The level.
        path: Where it stands in the CRD.
        correlatable: Whether old and new values can be matched here, which ``oldSelf`` needs.
    """
    entries = schema.get(celrules.RULES) or ()
    node = node_of(schema) if entries else None
    for index, entry in enumerate(entries):
        where = f"{path}.{celrules.RULES}[{index}]"
        rule = (entry.get("rule") or "").strip()
        if not rule:
            yield causes.required(f"{where}.rule", "rule is not specified")
            continue
        assert node is not None  # noqa: S101 - there are entries
        yield from _check_expressions(entry, node, where)
        yield from _check_words(entry, node, where)
        if not correlatable and re.search(r"\boldSelf\b", rule):
            detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {path}"
            yield causes.invalid(f"{where}.rule", rule, detail)


def _check_expressions(entry: Body, node: Node, where: str) -> Iterator[Cause]:
    for key, result in (("rule", "bool"), ("messageExpression", "string")):
        text = entry.get(key)
        if not text:
            continue
        source = celrules.OPTIONAL_OLD.format(rule=text) if entry.get("optionalOldSelf") else text
        try:
            celrules.compiled(source, celvalues.type_of(node), result=result)
        except InvalidInput as error:
            yield causes.invalid(f"{where}.{key}", text, str(error))
            continue
        for position, name in _undefined(text, node):
            place = f"ERROR: <input>:1:{position + 1}: undefined field '{name}'"
            yield causes.invalid(f"{where}.{key}", text, f"compilation failed: {place}")


def _check_words(entry: Body, node: Node, where: str) -> Iterator[Cause]:
    reason, field = entry.get("reason"), entry.get("fieldPath")
    if reason is not None and reason not in _REASONS:
        yield causes.not_supported(f"{where}.reason", reason, _REASONS)
    if field and not _leads_somewhere(field, node):
        yield causes.invalid(f"{where}.fieldPath", field, "must be a valid path")


def _undefined(text: str, node: Node) -> Iterator[tuple[int, str]]:
    """Fields of ``self`` and ``oldSelf`` that the schema does not have, with their places in the rule."""
    bare = _LITERAL.sub(lambda match: " " * len(match.group()), text)
    for chain in _CHAIN.finditer(bare):
        current: Node | None = node
        for step in _STEP.finditer(bare, *chain.span(1)):
            if current is None or current.type != "object" or current.values is not None:
                break
            fields = {celvalues.escaped(name): child for name, child in current.properties.items()}
            if step[1] not in fields and not (current.embedded or current.preserve):
                yield step.start(), step[1]
                break
            current = fields.get(step[1])


def _leads_somewhere(path: str, node: Node) -> bool:
    if not re.fullmatch(rf"(?:{_FIELD.pattern})+", path):
        return False
    current: Node | None = node
    for step in _FIELD.finditer(path):
        current = current.child(step[1] or step[2]) if current is not None else None
    return current is not None
