"""A manifest file as an object whose every field knows its line and column.

Built straight from YAML events, so that what a file may do is decided here and nowhere else: one document,
no tags, no duplicate keys, no merge keys, and limits on size, depth and what aliases multiply. Called by
``gitops.validate`` and the commands.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import yaml

from mlplane.api.meta import Body
from mlplane.errors import InvalidInput
from mlplane.gitops import scalars

MAX_CHARACTERS = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000
"""Values in a file, where an alias counts for everything that it stands for."""

FieldPath = tuple[str | int, ...]


class Position(NamedTuple):
    """A place in a file, both counted from 1."""

    line: int
    column: int


class ManifestError(InvalidInput):
    """A file that cannot be read as a manifest, and where."""

    def __init__(self, file: str, position: Position, message: str) -> None:
        super().__init__(visible(f"{file}:{position.line}:{position.column}: {message}"))
        self.file = file
        self.position = position
        self.message = message


def visible(text: str) -> str:
    """The text on one line, without characters that would steer a terminal."""
    return "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(slots=True)
class Node:
    """A value, where it starts, and how it is written."""

    mark: Any
    """Its place, as the parser gives it: most places are never asked for."""
    value: Any = None
    text: str = ""
    """Of a scalar, as it stands in the file, without quotes."""
    fields: Mapping[str, "Node"] | None = None
    keys: Mapping[str | int, Any] | None = None
    """Marks of the names."""
    items: Sequence["Node"] = ()
    size: int = 1
    """Number of values in it, aliases spelled out."""

    @property
    def position(self) -> Position:
        """Where it starts."""
        return _position(self.mark)

    def children(self) -> Mapping[Any, "Node"]:
        """What lies below, by key or by index."""
        return self.fields or dict(enumerate(self.items))


@dataclass(frozen=True)
class Document:
    """One object of a manifest file."""

    file: str
    line: int
    body: Body
    root: Node

    def position(self, path: FieldPath, *, key: bool = False) -> Position:
        """Where a field stands; of one that is missing, the nearest that is there.

        Args:
            path: Names and indices from the top of the object.
            key: The position of the field's name instead of its value's.
        """
        parent, node, at = self._walk(path)
        keys = parent.keys if parent and (key or at < len(path)) else None
        return _position((keys and keys.get(path[at - 1])) or node.mark)

    def text(self, path: FieldPath) -> str:
        """The scalar at a path as it is written; empty if there is none."""
        _, node, at = self._walk(path)
        return node.text if at == len(path) else ""

    def _walk(self, path: FieldPath) -> tuple[Node | None, Node, int]:
        """Parent and node that the path leads to, and how many of its steps could be taken."""
        parent, node = None, self.root
        for at, step in enumerate(path):
            below = node.children().get(step)
            if below is None:
                return parent, node, at
            parent, node = node, below
        return parent, node, len(path)


def load(text: str, file: str) -> list[Document]:
    """The object in a manifest file; empty if the file holds none.

    Args:
        text: Content of the file.
        file: Its name, for messages.

    Raises:
        ManifestError: It is no YAML, or does what a manifest may not do; says where.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"the file has {len(text)} characters; a manifest may have {MAX_CHARACTERS}"
        raise ManifestError(file, Position(1, 1), message)
    try:
        root = _Reader(file, text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ManifestError(file, _position(mark), f"not valid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        position = Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        raise ManifestError(file, position, f"not valid YAML: {error.reason}") from None
    except UnicodeEncodeError as error:
        raise ManifestError(file, Position(1, 1), f"not valid text: {error.reason}") from None
    if root is None or (root.value is None and not root.text):
        return []
    if not isinstance(root.value, dict):
        message = "a manifest is a mapping with apiVersion, kind, metadata and spec"
        raise ManifestError(file, root.position, message)
    return [Document(file, root.position.line, root.value, root)]


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


_Take = Callable[[], Any]
"""Gives the next event."""


class _Reader:
    """Turns the events of one file into nodes; libyaml does the parsing, without recursion."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def document(self) -> Node | None:
        """The root of the one document; None if there is none."""
        take = _Loader(self._text).get_event
        root: Node | None = None
        for event in iter(take, None):
            if isinstance(event, yaml.DocumentStartEvent):
                start, node = event, self._node(take(), take, 0)
                if root is not None and (node.value is not None or node.text):
                    self._refuse(start, "a file holds one object: split the documents into a file each")
                root = root or node
        return root

    def _node(self, event: Any, take: _Take, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None and event.tag != "!":
            self._refuse(event, f"tags are not allowed in manifests: {event.tag}")
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor:
            self._anchors[event.anchor] = None
        node = Node(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(node, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(node, take, depth)
        else:
            self._mapping(node, take, depth)
        self._count(event, 1)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _sequence(self, node: Node, take: _Take, depth: int) -> None:
        items: list[Node] = []
        while not isinstance(event := take(), yaml.SequenceEndEvent):
            item = self._node(event, take, depth + 1)
            items.append(item)
            node.size += item.size
        node.items = items
        node.value = [item.value for item in items]

    def _mapping(self, node: Node, take: _Take, depth: int) -> None:
        fields: dict[str, Node] = {}
        keys: dict[str | int, Any] = {}
        while not isinstance(event := take(), yaml.MappingEndEvent):
            key = self._key(event)
            if key in fields:
                first = _position(keys[key]).line
                self._refuse(event, f"the field {key} is given twice; the first time in line {first}")
            keys[key] = event.start_mark
            child = fields[key] = self._node(take(), take, depth + 1)
            node.size += child.size
        node.fields, node.keys = fields, keys
        node.value = {key: child.value for key, child in fields.items()}

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, "names of fields must be plain strings")
        if event.tag is not None and event.tag != "!":
            self._refuse(event, f"tags are not allowed in manifests: {event.tag}")
        key: str = event.value
        if key == "<<" and event.implicit[0]:
            self._refuse(event, "merge keys (<<) are not allowed in manifests: write the fields out")
        self._count(event, 1)
        if event.anchor:
            self._anchors[event.anchor] = Node(event.start_mark, key, key)
        return key

    def _alias(self, event: Any) -> Node:
        """The node that the alias stands for; its place is that of the anchor."""
        if event.anchor not in self._anchors:
            self._refuse(event, f"there is no anchor &{event.anchor} before this")
        node = self._anchors[event.anchor]
        if node is None:
            self._refuse(event, f"*{event.anchor} stands inside what it stands for")
        self._count(event, node.size)
        return node

    def _scalar(self, node: Node, event: Any) -> None:
        node.text = event.value
        node.value = self._plain(event) if event.implicit[0] else event.value

    def _plain(self, event: Any) -> Any:
        """What an unquoted scalar means."""
        value = scalars.meaning(event.value)
        if isinstance(value, float) and not math.isfinite(value):
            self._refuse(
                event, f"{event.value} is no number that an API server takes; quote it if it is text"
            )
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            self._refuse(event, f"{event.value} does not fit in 64 bits; quote it if it is text")
        return value

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._refuse(event, f"the file stands for more than {MAX_NODES} values, aliases spelled out")

    def _refuse(self, event: Any, message: str) -> NoReturn:
        raise ManifestError(self._file, _position(event.start_mark), message)


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
