"""JSON values as CEL sees them under a schema: types of variables, numbers as doubles, escaped names.

``celrules`` converts ``self`` and ``oldSelf`` with this before it evaluates a rule.
"""

import base64
import binascii
import functools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cel_expr_python import cel
from google.protobuf import duration_pb2, timestamp_pb2

from mlplane.structural.nodes import Node

TYPES: dict[str, Any] = {
    "bool": cel.Type.BOOL,
    "double": cel.Type.DOUBLE,
    "dyn": cel.Type.DYN,
    "int": cel.Type.INT,
    "list": cel.Type.List(cel.Type.DYN),
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "string": cel.Type.STRING,
}
"""The types that ``self`` can have, by the names of ``type_of``."""

_NAMES = {
    "array": "list",
    "boolean": "bool",
    "integer": "int",
    "number": "double",
    "object": "map",
    "string": "string",
}
KEYWORDS = frozenset(
    (
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    )
)
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_SPECIAL = re.compile(r"__|\.|-|/")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def type_of(node: Node) -> str:
    """Name of the CEL type of a value; ``dyn`` where the schema leaves more than one."""
    if node.int_or_string or node.nullable or node.format in _FORMATS:
        return "dyn"
    return _NAMES.get(node.type, "dyn")


@functools.lru_cache(maxsize=4096)
def escaped(name: str) -> str:
    """The name by which a rule reads a property; empty when it cannot be read."""
    if name in KEYWORDS:
        return f"__{name}__"
    text = _SPECIAL.sub(lambda match: _ESCAPES[match.group()], name)
    return text if _IDENTIFIER.fullmatch(text) else ""


def named(node: Node, key: str) -> str:
    """What a field of an object, or a key of a map, is called in the converted value."""
    return (escaped(key) or key) if key in node.properties else key


def converted(node: Node | None, value: Any) -> Any:
    """The value for CEL: doubles where the schema says number, bytes, escaped names of properties."""
    if node is None:
        return value
    if isinstance(value, dict):
        return {named(node, key): converted(node.child(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [converted(node.items, item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if node.type == "number" and isinstance(value, int):
        return float(value)
    if node.type == "integer" and isinstance(value, float):
        return int(value)
    if isinstance(value, str) and node.type == "string" and (read := _FORMATS.get(node.format)):
        return read(value)
    return value


def _decoded(value: str) -> bytes | str:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return value


def _moment(value: str) -> Any:
    try:
        found = datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    except ValueError:
        return value
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(found)
    return message


_UNITS = {"h": 3_600e6, "m": 60e6, "s": 1e6, "ms": 1e3, "us": 1.0, "µs": 1.0, "μs": 1.0, "ns": 1e-3}
"""Microseconds."""


def _duration(value: str) -> Any:
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", value)
    if not parts and value.lstrip("+-") != "0":
        return value
    sign = -1 if value.startswith("-") else 1
    message = duration_pb2.Duration()
    message.FromTimedelta(sign * timedelta(microseconds=sum(float(n) * _UNITS[unit] for n, unit in parts)))
    return message


_FORMATS: dict[str, Callable[[str], Any]] = {
    "byte": _decoded,
    "date": _moment,
    "date-time": _moment,
    "duration": _duration,
}
"""Strings that are something else to a rule."""
