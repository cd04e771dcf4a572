"""Where a manifest names the digest of an object, or may: to be read, and to be written in place.

As in ``pins``, only characters are replaced or put in, so that comments, quotes, order and line ends stay as
a person wrote them. Pure. Called by ``gitops.digests``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from mlplane.errors import InvalidInput
from mlplane.gitops.pins import Scalar, child, composed, scalar, value


@dataclass(frozen=True)
class Place:
    """A place for a digest in a file."""

    file: str
    kind: str
    """Of the object whose manifest it is."""
    name: str
    field: str
    """Such as ``spec.dataset.digest``."""
    wanted: tuple[str, str]
    """Kind and name of the object whose digest belongs there."""
    present: Scalar | None
    """What stands there; None if nothing does."""
    beside: Scalar
    """The value after which it is put in."""
    is_flow: bool
    """Whether it stands in braces."""
    column: int
    """Where the fields of its mapping begin, if it does not."""


def places(text: str, file: str) -> list[Place]:
    """Every place for a digest in the manifests of a file, in the order of the text.

    Raises:
        InvalidInput: The text is no YAML.
    """
    found = [place for document in composed(text, file) for place in _of_document(document, text, file)]
    return sorted(found, key=lambda place: place.beside.start)


def with_digests(text: str, digests: Mapping[Place, str]) -> str:
    """The text with these digests; all else to the letter."""
    for place in sorted(digests, key=lambda place: place.beside.start, reverse=True):
        text = _written(text, place, digests[place])
    return text


def _written(text: str, place: Place, digest: str) -> str:
    if place.present is not None:
        old = text[place.present.start : place.present.end]
        quote = old[0] if old[:1] in ("'", '"') else ""
        # Where no value stands yet, its place is right behind the colon.
        digest = digest if old else f" {digest}"
        return text[: place.present.start] + quote + digest + quote + text[place.present.end :]
    if place.is_flow:
        return text[: place.beside.end] + f", digest: {digest}" + text[place.beside.end :]
    # After the whole line, so that a comment stays beside what it speaks of.
    line_end = "\r\n" if "\r\n" in text else "\n"
    end = text.find(line_end, place.beside.end)
    end = len(text) if end < 0 else end
    return text[:end] + line_end + " " * place.column + f"digest: {digest}" + text[end:]


def _of_document(document: yaml.Node, text: str, file: str) -> Iterator[Place]:
    kind = value(child(document, "kind"))
    name = value(child(child(document, "metadata"), "name"))
    for field, node, anchor, wanted in _mappings(kind, name, child(document, "spec")):
        if not isinstance(node, yaml.MappingNode) or not wanted[1]:
            continue
        beside = scalar(child(node, anchor), text)
        if beside is None:
            raise InvalidInput(
                f"{file}: {field} cannot be written, for {anchor} beside it takes several lines"
            )
        present = scalar(child(node, "digest"), text)
        column = node.value[0][0].start_mark.column
        yield Place(file, kind, name, field, wanted, present, beside, bool(node.flow_style), column)


def _mappings(
    kind: str, name: str, spec: yaml.Node | None
) -> Iterator[tuple[str, yaml.Node | None, str, tuple[str, str]]]:
    """The mappings that may hold a digest: field, mapping, the key that it stands after, and whose it is."""
    if kind == "Dataset":
        yield "spec.digest", spec, "format", ("Dataset", name)
        parents = child(child(spec, "derivedFrom"), "datasets")
        for i, parent in enumerate(parents.value if isinstance(parents, yaml.SequenceNode) else []):
            wanted = ("Dataset", value(child(parent, "name")))
            yield f"spec.derivedFrom.datasets[{i}].digest", parent, "name", wanted
    # What was recorded says what it was recorded on; only what is still to be done may be pinned anew.
    if kind == "Evaluation" and child(spec, "run") is not None:
        dataset, version = child(spec, "dataset"), child(spec, "modelVersion")
        yield "spec.dataset.digest", dataset, "name", ("Dataset", value(child(dataset, "name")))
        yield "spec.modelVersion.digest", version, "name", ("ModelVersion", value(child(version, "name")))
    if kind == "ModelServer":
        version = child(spec, "modelVersion")
        yield "spec.modelVersion.digest", version, "name", ("ModelVersion", value(child(version, "name")))
