"""The pins in the text of a manifest file: where a git source names its commit, and how to change it there.

Only the characters of the scalar are replaced, so that comments, quotes, order and line ends stay as a person
wrote them; a YAML library would write the whole file anew. Pure. Called by ``gitops.lock``,
``gitops.digestpins`` and ``gitops.scaffold``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mlplane.errors import InvalidInput

UNPINNED = "0" * 40
"""What stands for ``commit`` in a manifest that was never locked."""


@dataclass(frozen=True)
class Scalar:
    """A value in a text: what it is and which characters it takes up."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Pin:
    """A ``git:`` source of a manifest."""

    kind: str
    name: str
    line: int
    """Line of ``commit`` in the file, from 1."""
    url: Scalar
    path: Scalar
    commit: Scalar


def pins(text: str, file: str) -> list[Pin]:
    """Every git source that has a url, a path and a commit, in the order of the text.

    Raises:
        InvalidInput: The text is no YAML.
    """
    found = [pin for document in composed(text, file) for pin in _of_document(document, text)]
    unique = {pin.commit.start: pin for pin in found}
    return sorted(unique.values(), key=lambda pin: pin.commit.start)


def composed(text: str, file: str) -> list[yaml.Node]:
    """The documents of a text as trees whose nodes know where they stand.

    Raises:
        InvalidInput: The text is no YAML.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        raise InvalidInput(f"{where}: {getattr(error, 'problem', None) or error}") from error
    return [document for document in documents if document is not None]


def replaced(text: str, changes: dict[Scalar, str]) -> str:
    """The text with other values for these scalars, quoted where they were; all else to the letter."""
    for scalar in sorted(changes, key=lambda scalar: scalar.start, reverse=True):
        old = text[scalar.start : scalar.end]
        quote = old[0] if old[:1] in ("'", '"') else ""
        text = text[: scalar.start] + quote + changes[scalar] + quote + text[scalar.end :]
    return text


def identity(url: str) -> str:
    """What is the same for all ways to write a repository's address: host and path."""
    url = re.sub(r"^([^/@:]+@)?([^/:]+):(?!//)", r"ssh://\2/", url)  # scp-like: git@host:team/repo.git
    bare = re.sub(r"^[a-z+]+://([^/@]*@)?", "", url).rstrip("/").removesuffix(".git")
    host, _, path = bare.partition("/")
    return f"{host.lower()}/{path}"


def _of_document(document: yaml.Node, text: str) -> Iterator[Pin]:
    kind = value(child(document, "kind"))
    name = value(child(child(document, "metadata"), "name"))
    for source in _git_sources(document):
        url, path, commit = (scalar(child(source, key), text) for key in ("url", "path", "commit"))
        if url and path and commit:
            line = text.count("\n", 0, commit.start) + 1
            yield Pin(kind, name, line, url, path, commit)


def _git_sources(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "git":
                yield value
            yield from _git_sources(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _git_sources(item)


def child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """The value under a key of a mapping; None where there is none."""
    if not isinstance(node, yaml.MappingNode):
        return None
    values: list[yaml.Node] = [value for name, value in node.value if name.value == key]
    return values[0] if values else None


def value(node: yaml.Node | None) -> str:
    """The text of a scalar; empty where it is none."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def scalar(node: yaml.Node | None, text: str) -> Scalar | None:
    """A scalar and the characters that it takes up; None where it is none, or one of several lines."""
    if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">"):
        return None
    start, end = node.start_mark.index, node.end_mark.index
    plain_end = start + len(text[start:end].rstrip())
    return Scalar(node.value, start, plain_end)
