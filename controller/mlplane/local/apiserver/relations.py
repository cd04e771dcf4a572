"""How a value merges: whole, field by field or item by item; by a CRD schema or as a built-in kind does.

``typedvalues`` walks objects with these; ``Shape.of`` starts at the root.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mlplane.local.apiserver import fieldsets, mergekeys
from mlplane.structural import objectmeta
from mlplane.structural.nodes import META_FIELDS, MISSING, Node

Relation = Literal["leaf", "map", "list"]

_META = Node(type="object")
"""Stands for the metadata of custom resources, which merges as that of built-in kinds does."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one value."""

    node: Node | None
    """The schema; None where a custom resource may hold anything."""
    kind: str = ""
    """The built-in kind whose rules hold here; empty under a CRD's schema."""
    field: str = ""
    is_root: bool = False

    @classmethod
    def of(cls, node: Node | None, kind: str) -> "Shape":
        """The shape of a whole object: of a CRD's schema, or of a built-in kind when there is none."""
        return cls(node, kind="" if node is not None else kind or "-", is_root=True)

    def relation(self, value: Any) -> Relation:
        """How a value of this shape merges; an empty container is a leaf as far as owners go."""
        if isinstance(value, dict):
            return "leaf" if self._is_atomic_map() else "map"
        if isinstance(value, list) and self._merges_items():
            return "list"
        return "leaf"

    def _is_atomic_map(self) -> bool:
        if self.kind:
            return self.field in mergekeys.ATOMIC_MAPS
        return self.node is not None and self.node.map_type == "atomic"

    def _merges_items(self) -> bool:
        if self.kind:
            return self.field in mergekeys.SETS or bool(mergekeys.keys_of(self.field, self.kind))
        return self.node is not None and self.node.list_type in {"map", "set"}

    def child(self, name: str) -> "Shape":
        """The shape of a field."""
        if self.kind:
            return Shape(None, self.kind, name)
        if name == "metadata" and (self.is_root or (self.node is not None and self.node.embedded)):
            return Shape(_META, "ObjectMeta", name)
        return Shape(self.node.child(name) if self.node is not None else None, "", name)

    def is_named(self, name: str) -> bool:
        """Whether a field is one that the schema names, and not a key of a map."""
        if self.kind:
            return self.field not in {"labels", "annotations", "data", "binaryData", "stringData"}
        if name in META_FIELDS and (self.is_root or (self.node is not None and self.node.embedded)):
            return True
        return self.node is not None and name in self.node.properties

    def declares(self, name: str) -> bool:
        """Whether an object may have a field; where anything goes, it may."""
        if self.kind == "ObjectMeta" and self.field == "metadata":
            return name in objectmeta.FIELDS
        if self.kind or self.node is None or self.is_named(name):
            return True
        return self.node.values is not None or self.node.preserve or (self.node.embedded and not self.is_root)

    def item(self) -> "Shape":
        """The shape of the items of a list."""
        if self.kind:
            return Shape(None, self.kind, f"{self.field}[]")
        return Shape(self.node.items if self.node is not None else None)

    def steps(self, items: list[Any]) -> Iterator[tuple[str, Any]]:
        """The items of a list that merges, each with its step.

        Raises:
            ValueError: An item lacks its keys.
        """
        keys = self._keys()
        for index, item in enumerate(items):
            if not keys and isinstance(item, dict | list):
                kind = "map" if isinstance(item, dict) else "list"
                raise ValueError(
                    f"element {index}: associative list without keys has an element that's a {kind} type"
                )
            yield (
                fieldsets.key_step(self._identity(item, keys, index)) if keys else fieldsets.value_step(item),
                item,
            )

    def _keys(self) -> tuple[str, ...]:
        if self.kind:
            return mergekeys.keys_of(self.field, self.kind)
        return self.node.list_keys if self.node is not None and self.node.list_type == "map" else ()

    def _identity(self, item: Any, keys: tuple[str, ...], index: int) -> dict[str, Any]:
        if not isinstance(item, dict):
            raise ValueError(f"element {index}: associative list with keys may not have non-map elements")
        found = {key: item.get(key, self._default(key)) for key in keys}
        present = {key: value for key, value in found.items() if value is not MISSING}
        if not present:
            listed = " ".join(f'"{key}"' for key in keys)
            raise ValueError(
                f"element {index}: associative list with keys has an element that omits all key fields "
                f"[{listed}] (and doesn't have default values for any key fields)"
            )
        return present

    def _default(self, key: str) -> Any:
        if self.kind:
            return mergekeys.KEY_DEFAULTS.get(key, MISSING)
        node = self.node.items.child(key) if self.node is not None and self.node.items else None
        return node.default if node is not None else MISSING
