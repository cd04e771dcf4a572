"""What two model versions came from, and where that differs. Pure. Called by ``cards.compare``."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mlplane.api.modelversion import Imported, Lineage, ModelVersionSpec, Tensor
from mlplane.cards.text import brief, one_line
from mlplane.cards.wording import NONE, shape


class Difference(NamedTuple):
    """Something that is not the same for A as for B."""

    what: str
    first: str
    second: str


class Differences(NamedTuple):
    """What is not the same, and the names of what is."""

    found: Sequence[Difference]
    same: Sequence[str]


def differences(first: ModelVersionSpec, second: ModelVersionSpec) -> Differences:
    """Compare all that is recorded of where two versions came from, and what they take and give."""
    left, right = dict(_facts(first)), dict(_facts(second))
    known = list(dict.fromkeys((*left, *right)))
    return Differences(
        [Difference(w, left.get(w, NONE), right.get(w, NONE)) for w in known if left.get(w) != right.get(w)],
        [what for what in known if left.get(what) == right.get(what)],
    )


def _facts(spec: ModelVersionSpec) -> Iterator[tuple[str, str]]:
    yield "model", spec.model
    yield "model files", brief(spec.artifact.digest)
    if spec.lineage:
        yield from _made(spec.lineage)
    if spec.imported:
        yield from _imported(spec.imported)
    yield "input", _tensors(spec.signature.inputs)
    yield "output", _tensors(spec.signature.outputs)


def _made(lineage: Lineage) -> Iterator[tuple[str, str]]:
    code, data = lineage.code, lineage.dataset
    yield "run", lineage.run.name
    if code:
        yield "repository", one_line(code.url)
        yield "script", f"{code.path}/{code.entrypoint}"
        yield "commit", brief(code.commit)
        yield "code (tree)", brief(code.tree)
    if lineage.image_code:
        yield "script (in the image)", f"{lineage.image_code.path}/{lineage.image_code.entrypoint}"
    yield "dataset", f"{data.name} {brief(data.digest)}"
    for split in lineage.splits:
        yield f"split {split.name}", f"{split.rows:,} records, {brief(split.digest)}"
    yield "image", one_line(lineage.image)
    yield "seed", str(lineage.seed)
    for name, value in sorted(lineage.params.items()):
        yield f"param {name}", one_line(value)


def _imported(imported: Imported) -> Iterator[tuple[str, str]]:
    yield "imported from", one_line(imported.source)
    yield "license", one_line(imported.license or "not told")


def _tensors(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{tensor.name} {tensor.datatype} {shape(tensor)}" for tensor in tensors)
