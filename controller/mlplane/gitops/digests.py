"""Pin the digests of manifests to what a cluster has: versions of Datasets and of models.

Nothing is guessed: a digest is written only if the object is there and is the one that the manifests speak
of. Called by ``cli.lock``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from mlplane.api.dataset import DatasetSpec
from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.errors import InvalidInput
from mlplane.gitops.digestpins import Place, places, with_digests
from mlplane.gitops.validate import manifest_files
from mlplane.reconcilers.recipes import ingredients

Key = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True)
class Pinned:
    """What was done about one place for a digest."""

    file: str
    field: str
    old: str
    new: str
    """The digest that was written; empty if none was."""
    note: str = ""
    """Why none was."""


def pin_digests(paths: Sequence[Path], bodies: Sequence[Body]) -> list[Pinned]:
    """Write the digests that a cluster knows into manifests; all files, or none.

    Args:
        paths: Manifest files, and directories of them.
        bodies: The Datasets, ModelVersions and Evaluations of the namespace that the manifests are for.

    Returns:
        What changed, and what could not be pinned.

    Raises:
        InvalidInput: A file is no YAML. Nothing was written then.
    """
    cluster = {(body["kind"], body["metadata"]["name"]): body for body in bodies}
    texts = {file: _read(file) for path in paths for file in manifest_files(path)}
    spots = {file: places(content, str(file)) for file, content in texts.items()}
    specs = {key: spec for content in texts.values() for key, spec in _dataset_specs(content)}
    outcomes: list[Pinned] = []
    changed: dict[Path, str] = {}
    for file, content in texts.items():
        found = {place: _judged(place, cluster, specs) for place in spots[file]}
        wanted = {place: outcome.new for place, outcome in found.items() if outcome.new}
        if wanted:
            changed[file] = with_digests(content, wanted)
        outcomes += [outcome for outcome in found.values() if outcome.new or outcome.note]
    for file, content in changed.items():
        file.write_bytes(content.encode())
    return outcomes


def _judged(place: Place, cluster: Mapping[Key, Body], specs: Mapping[Key, Body]) -> Pinned:
    old = place.present.value if place.present else ""
    kind, name = place.wanted
    body = cluster.get(place.wanted)
    if body is None:
        return Pinned(place.file, place.field, old, "", f"there is no {kind} {name} on the cluster")
    digest = _digest_of(body)
    if digest and digest == old:
        return Pinned(place.file, place.field, old, "")
    if kind == "Dataset" and (why := _unlike(body, specs.get(place.wanted))):
        return Pinned(place.file, place.field, old, "", why)
    if not digest:
        return Pinned(place.file, place.field, old, "", f"{kind} {name} has no version yet")
    if place.kind == "Evaluation" and (place.kind, place.name) in cluster:
        note = f"Evaluation {place.name} is on the cluster, and never changes: give it another name"
        return Pinned(place.file, place.field, old, "", note)
    return Pinned(place.file, place.field, old, digest)


def _digest_of(body: Body) -> str:
    """The digest of an object's bytes; of a Dataset, of the sound ones that its source has now."""
    if body["kind"] == "Dataset":
        return text(at(body, "status", "found")) or text(at(body, "status", "digest"))
    return text(at(body, "spec", "artifact", "digest"))


def _unlike(dataset: Body, spec: Body | None) -> str:
    """Why the version on the cluster is not the one of the manifest; empty if it is, or if there is none."""
    name = dataset["metadata"]["name"]
    if spec is None:
        return ""
    try:
        same = ingredients(DatasetSpec.model_validate(spec)) == ingredients(
            DatasetSpec.model_validate(dataset["spec"])
        )
    except ValidationError:
        return f"Dataset {name} is not valid: `mlplane validate` says why"
    seen = at(dataset, "status", "observedGeneration") == at(dataset, "metadata", "generation")
    return "" if same and seen else f"Dataset {name} has another spec on the cluster: apply it first"


def _dataset_specs(content: str) -> list[tuple[Key, Body]]:
    documents = [d for d in yaml.safe_load_all(content) if isinstance(d, dict)]
    return [
        (("Dataset", text(at(d, "metadata", "name"))), d["spec"])
        for d in documents
        if d.get("kind") == "Dataset" and isinstance(d.get("spec"), dict)
    ]


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file}: not UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise InvalidInput(f"{file}: cannot be read: {error.strerror}") from error
