"""Changes of single fields in the text of a manifest; all else stays to the letter.

As in ``pins``, only characters are replaced or put in, so that comments, quotes, order and line ends stay as
a person wrote them. Pure. Called by ``gitops.newruns``.
"""

import json
import re

import yaml

from mlplane.errors import InvalidInput
from mlplane.gitops.pins import child, composed, scalar

_WORD = re.compile(r"[A-Za-z][-A-Za-z0-9_./]*")
"""What needs no quotes, unless it is one of the words that YAML takes for something else."""
FieldValue = str | int | bool
_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


def written(value: FieldValue) -> str:
    """A value as it can stand in a manifest; a string is quoted where it may be taken for something else."""
    if isinstance(value, bool | int):
        return str(value).lower()
    is_plain = _WORD.fullmatch(value) and value.lower() not in _WORDS
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def with_field(text: str, file: str, path: tuple[str, ...], value: FieldValue, *, after: str = "") -> str:
    """The text with this value for a field.

    Args:
        text: A manifest with one object.
        file: Its name, for messages.
        path: The field; what it stands in must be there.
        value: What it becomes. A string that replaces a quoted one is quoted in the same way.
        after: The field beside it behind which it is put if it is not there; default: the last one.

    Raises:
        InvalidInput: The text is no YAML, or the place takes several lines.
    """
    mapping = _mapping(composed(text, file), path[:-1])
    if mapping is None or not mapping.value:
        raise InvalidInput(f"{file}: there are no fields under {'.'.join(path[:-1])}")
    node = child(mapping, path[-1])
    if node is None:
        return _put_in(text, mapping, f"{path[-1]}: {written(value)}", after)
    found = scalar(node, text)
    if found is None:
        line = node.start_mark.line + 1
        raise InvalidInput(f"{file}:{line}: {'.'.join(path)} takes several lines: change it by hand")
    old = text[found.start : found.end]
    new = written(value)
    if old[:1] in ("'", '"') and not isinstance(value, bool):
        new = f"'{value}'" if old[0] == "'" and "'" not in str(value) else json.dumps(str(value))
    # Where no value stands yet, its place is right behind the colon.
    return text[: found.start] + (new if old else f" {new}") + text[found.end :]


def without_field(text: str, file: str, path: tuple[str, ...]) -> str:
    """The text without a field that takes one line, or one place in braces; as it is if it has none.

    Raises:
        InvalidInput: The text is no YAML.
    """
    mapping = _mapping(composed(text, file), path[:-1])
    for key, node in mapping.value if mapping else ():
        if key.value != path[-1]:
            continue
        start, end = key.start_mark.index, node.end_mark.index
        if mapping is not None and mapping.flow_style:
            rest = text[end:].lstrip()
            if rest.startswith(","):
                return text[:start] + rest[1:].lstrip()
            return text[:start].rstrip().removesuffix(",") + text[end:]
        line_end = text.find("\n", end)
        return text[: text.rfind("\n", 0, start) + 1] + ("" if line_end < 0 else text[line_end + 1 :])
    return text


def _mapping(documents: list[yaml.Node], path: tuple[str, ...]) -> yaml.MappingNode | None:
    node: yaml.Node | None = documents[0] if documents else None
    for name in path:
        node = child(node, name)
    return node if isinstance(node, yaml.MappingNode) else None


def _put_in(text: str, mapping: yaml.MappingNode, field: str, after: str) -> str:
    """The text with one more field in a mapping that has some."""
    beside = child(mapping, after) or mapping.value[-1][1]
    if mapping.flow_style:
        end = beside.end_mark.index
        return f"{text[:end]}, {field}{text[end:]}"
    found = scalar(beside, text)
    if found is None:
        # Behind what takes several lines nothing can be put safely: so before the first field.
        first = mapping.value[0][0].start_mark
        start, column = int(first.index), int(first.column)
        return f"{text[:start]}{field}{_line_end(text)}{' ' * column}{text[start:]}"
    # After the whole line, so that a comment stays beside what it speaks of.
    end = text.find(_line_end(text), found.end)
    end = len(text) if end < 0 else end
    column = int(mapping.value[0][0].start_mark.column)
    return text[:end] + _line_end(text) + " " * column + field + text[end:]


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
