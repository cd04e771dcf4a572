"""The structural schema of a custom resource, compiled to a tree that is quick to walk.

``structural`` prunes, defaults and validates with it; ``managedfields`` reads how lists and maps merge.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlplane.body import Body

MISSING: Any = object()
"""No value, where null is one."""

META_FIELDS = frozenset(("apiVersion", "kind", "metadata"))
"""What every resource has without its schema saying so."""


@dataclass(slots=True)
class Node:
    """One level of a schema."""

    type: str = ""
    nullable: bool = False
    int_or_string: bool = False
    preserve: bool = False
    """x-kubernetes-preserve-unknown-fields."""
    embedded: bool = False
    """x-kubernetes-embedded-resource, and the root."""
    properties: dict[str, "Node"] = field(default_factory=dict)
    values: "Node | None" = None
    """additionalProperties as a schema."""
    closed: bool = False
    """additionalProperties: false."""
    items: "Node | None" = None
    default: Any = MISSING
    has_defaults: bool = False
    """Whether there is a default here or below."""
    has_embedded: bool = False
    """Whether there is an embedded resource here or below."""
    list_type: str = "atomic"
    list_keys: tuple[str, ...] = ()
    map_type: str = "granular"
    required: tuple[str, ...] = ()
    enum: tuple[Any, ...] | None = None
    format: str = ""
    pattern: Callable[[str], Any] | None = None
    limits: dict[str, Any] = field(default_factory=dict)
    """Those of ``_LIMITS`` that the schema sets, and the text of the pattern."""
    all_of: tuple["Node", ...] = ()
    any_of: tuple["Node", ...] = ()
    one_of: tuple["Node", ...] = ()
    negated: "Node | None" = None

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that a value may have; empty when any will do."""
        if self.int_or_string:
            return ("integer", "string")
        return (self.type,) if self.type else ()

    def child(self, key: str) -> "Node | None":
        """The schema of a field of an object or a map, if there is one."""
        return self.properties.get(key, self.values)


ANYTHING = Node(preserve=True, nullable=True)
"""What ``additionalProperties: true`` allows."""

_LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "pattern",
)


def node_of(schema: Body) -> Node:
    """Compile a schema (``openAPIV3Schema`` or a part of it)."""
    additional = schema.get("additionalProperties")
    items = schema.get("items")
    properties = {name: node_of(child) for name, child in (schema.get("properties") or {}).items()}
    node = Node(
        type=schema.get("type", ""),
        nullable=bool(schema.get("nullable")),
        int_or_string=bool(schema.get("x-kubernetes-int-or-string")),
        preserve=bool(schema.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(schema.get("x-kubernetes-embedded-resource")),
        properties=properties,
        values=_values(additional),
        closed=additional is False,
        items=node_of(items) if isinstance(items, dict) else None,
        default=schema.get("default", MISSING),
        list_type=schema.get("x-kubernetes-list-type") or "atomic",
        list_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
        map_type=schema.get("x-kubernetes-map-type") or "granular",
    )
    _add_checks(node, schema)
    children = [*properties.values(), node.values, node.items]
    node.has_embedded = node.embedded or any(c.has_embedded for c in children if c)
    node.has_defaults = node.default is not MISSING or any(c.has_defaults for c in children if c)
    return node


def _values(additional: Any) -> Node | None:
    """``true`` is a map of anything, as is the empty schema."""
    if additional is True:
        return ANYTHING
    return node_of(additional) if isinstance(additional, dict) else None


def _add_checks(node: Node, schema: Body) -> None:
    node.required = tuple(schema.get("required") or ())
    node.enum = tuple(schema["enum"]) if schema.get("enum") is not None else None
    node.format = schema.get("format") or ""
    node.pattern = _searcher(schema["pattern"]) if schema.get("pattern") else None
    node.limits = {key: schema[key] for key in _LIMITS if schema.get(key) is not None}
    node.all_of = tuple(map(node_of, schema.get("allOf") or ()))
    node.any_of = tuple(map(node_of, schema.get("anyOf") or ()))
    node.one_of = tuple(map(node_of, schema.get("oneOf") or ()))
    node.negated = node_of(schema["not"]) if isinstance(schema.get("not"), dict) else None


def _searcher(pattern: str) -> Callable[[str], Any] | None:
    """The search for a pattern; None when Python cannot express it: refusing what is right would be worse."""
    try:
        return re.compile(go_pattern(pattern), re.ASCII).search
    except re.error:
        return None


def go_pattern(pattern: str) -> str:
    """A Go pattern as a Python one: ``$`` is the very end there, classes of POSIX are written out."""
    text = re.sub(r"(?<!\\)\$(?=$|\))", r"\\Z", pattern).replace(r"\z", r"\Z")
    for name, members in _POSIX.items():
        text = text.replace(f"[:{name}:]", members)
    return text


_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
}
