"""The CEL types that a schema declares: what rules may name, and how large values can be.

``celcosts`` takes sizes from here, ``celrules`` the message types with which a rule is type-checked. The
limits are those of Kubernetes: a request has at most 3 MiB, so even a list without ``maxItems`` ends.
"""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2

from mlplane.body import Body
from mlplane.structural.celvalues import escaped
from mlplane.structural.nodes import ANYTHING, MISSING, Node

MAX_REQUEST = 3 * 2**20
"""Bytes."""
PACKAGE = "selfType"
_MAX_TIME = 32
_MAX_DATE = 12
_MIN_SIZES = {"duration": 3, "date": 12, "date-time": 21}
_PROTO = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _PROTO.TYPE_BOOL,
    "bytes": _PROTO.TYPE_BYTES,
    "double": _PROTO.TYPE_DOUBLE,
    "int": _PROTO.TYPE_INT64,
    "string": _PROTO.TYPE_STRING,
}
_KNOWN = {
    "duration": ".google.protobuf.Duration",
    "dyn": ".google.protobuf.Value",
    "timestamp": ".google.protobuf.Timestamp",
}
_KNOWN_FILES = (struct_pb2, timestamp_pb2, duration_pb2)


@dataclass(frozen=True, slots=True)
class Declared:
    """The type of a value under a schema."""

    kind: str
    """bool, int, double, string, bytes, timestamp, duration, dyn, list, map or object."""
    max_elements: int = 0
    """The greatest size of a string, a list or a map."""
    min_size: int = 2
    """The least number of bytes that a value takes in JSON."""
    fields: dict[str, "Declared"] = field(default_factory=dict)
    """Of an object, by their names in CEL."""
    element: "Declared | None" = None
    """Of a list or a map."""

    @property
    def cardinality(self) -> int:
        """How many such values fit in a request."""
        return MAX_REQUEST // (self.min_size + 1)


_STRING = Declared("string", MAX_REQUEST - 2)
_NAMES = Declared("object", fields={"name": _STRING, "generateName": _STRING})


def declared(node: Node, *, root: bool = False) -> Declared | None:
    """The type that rules see; None for what they do not see.

    Args:
        node: The schema.
        root: Whether it is that of a whole resource, embedded or not.
    """
    if node.int_or_string:
        longest = node.limits.get("maxLength")
        return Declared("dyn", MAX_REQUEST - 2 if longest is None else 4 * max(0, longest), 1)
    match "object" if root else node.type:
        case "array":
            return _list(node)
        case "object" if node.values is not None and node.values is not ANYTHING and not root:
            return _map(node)
        case "object":
            return _object(node, root=root)
        case "string":
            return _text(node)
        case "boolean":
            return Declared("bool", min_size=4)
        case "number":
            return Declared("double", min_size=1)
        case "integer":
            return Declared("int", min_size=1)
    return None


def _list(node: Node) -> Declared | None:
    element = declared(node.items, root=node.items.embedded) if node.items is not None else None
    if element is None:
        return None
    most = node.limits.get("maxItems")
    return Declared(
        "list", (MAX_REQUEST - 2) // (element.min_size + 1) if most is None else max(0, most), element=element
    )


def _map(node: Node) -> Declared | None:
    element = declared(node.values, root=node.values.embedded) if node.values is not None else None
    if element is None:
        return None
    most = node.limits.get("maxProperties")
    return Declared(
        "map", (MAX_REQUEST - 2) // (element.min_size + 6) if most is None else max(0, most), element=element
    )


def _object(node: Node, *, root: bool) -> Declared:
    fields: dict[str, Declared] = {}
    least = 2
    for name, child in node.properties.items():
        if (found := declared(child, root=child.embedded)) is None:
            continue
        if known := escaped(name):
            fields[known] = found
        if name in node.required and child.default is MISSING:
            least += len(name) + found.min_size + 4
    if root:
        fields |= {"apiVersion": _STRING, "kind": _STRING, "metadata": _NAMES}
    return Declared("object", min_size=least, fields=fields)


def _text(node: Node) -> Declared:
    longest = node.limits.get("maxLength")
    least = _MIN_SIZES.get(node.format, 2)
    match node.format:
        case "byte":
            return Declared("bytes", MAX_REQUEST - 2 if longest is None else max(0, longest))
        case "duration":
            return Declared("duration", _MAX_TIME, least)
        case "date":
            return Declared("timestamp", _MAX_DATE, least)
        case "date-time":
            return Declared("timestamp", _MAX_TIME, least)
    if longest is not None:
        return Declared("string", 4 * max(0, longest))
    if node.enum:
        return Declared(
            "string", max((len(each.encode()) for each in node.enum if isinstance(each, str)), default=0)
        )
    return _STRING


class Messages:
    """The objects of a declaration as message types, which the engine's checker understands."""

    def __init__(self, root: Declared) -> None:
        self._file = descriptor_pb2.FileDescriptorProto(name="self.proto", package=PACKAGE, syntax="proto3")
        self._file.dependency.extend(module.DESCRIPTOR.name for module in _KNOWN_FILES)
        self.type = self._type(root)
        """The type of ``self``, in the engine's notation."""
        self.file = self._file.SerializeToString(deterministic=True)
        """The message types, serialised."""

    def _type(self, kind: Declared) -> Body:
        match kind.kind:
            case "object":
                return {"type_name": self._message(kind)}
            case "list" if kind.element is not None:
                return {"type_name": "list", "params": [self._type(kind.element)]}
            case "map" if kind.element is not None:
                return {
                    "type_name": "map",
                    "params": [{"type_name": "string"}, self._type(kind.element)],
                }
        return {"type_name": kind.kind}

    def _message(self, kind: Declared) -> str:
        message = self._file.message_type.add(name=f"t{len(self._file.message_type)}")
        for number, (key, child) in enumerate(kind.fields.items(), start=1):
            self._add(message, number, key, child)
        return f"{PACKAGE}.{message.name}"

    def _add(self, message: Any, number: int, key: str, child: Declared) -> None:
        label = _PROTO.LABEL_OPTIONAL
        if child.kind == "map" and (element := child.element) is not None:
            entry = message.nested_type.add(name=f"E{number}Entry")
            entry.options.map_entry = True
            self._add(entry, 1, "key", _STRING)
            self._add(entry, 2, "value", element)
            # A field of a map type is a list of entries; its entry's name has to follow the field's.
            entry.name = "".join(part.capitalize() for part in key.split("_")) + "Entry"
            reference = f".{PACKAGE}.{message.name}.{entry.name}"
            message.field.add(
                name=key,
                number=number,
                type=_PROTO.TYPE_MESSAGE,
                type_name=reference,
                label=_PROTO.LABEL_REPEATED,
            )
            return
        if child.kind == "list" and child.element is not None and child.element.kind not in ("list", "map"):
            label, child = _PROTO.LABEL_REPEATED, child.element
        self._plain(message, number, key, child, label)

    def _plain(self, message: Any, number: int, key: str, child: Declared, label: int) -> None:
        unique = f"f{number}"  # names that differ in case or underscores alone are fine in a schema
        if (scalar := _SCALARS.get(child.kind)) is not None:
            message.field.add(name=key, number=number, type=scalar, label=label, json_name=unique)
            return
        # Lists of lists have no place in a message: they stay dynamic.
        known = _KNOWN.get(child.kind, _KNOWN["dyn"])
        reference = f".{self._message(child)}" if child.kind == "object" else known
        message.field.add(
            name=key,
            number=number,
            type=_PROTO.TYPE_MESSAGE,
            type_name=reference,
            label=label,
            json_name=unique,
        )


def pool_of(file: bytes) -> Any:
    """The message types of ``Messages.file``, for the engine."""
    pool = descriptor_pool.DescriptorPool()
    for module in _KNOWN_FILES:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file)
    return pool
