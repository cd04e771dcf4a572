"""Where a model came from and what it takes, as parts of a card."""

from collections.abc import Iterator, Sequence

from mlplane.api.modelversion import Imported, Lineage, ModelVersionSpec, Signature, Tensor
from mlplane.cards.text import plain, short, table
from mlplane.cards.wording import shape


def origin(spec: ModelVersionSpec) -> Iterator[str]:
    """The run that made a model and all that decided it, or who it was imported from."""
    yield "## Origin"
    if spec.lineage:
        yield table(("what", "which"), [*_lineage(spec.lineage), ("stored at", f"`{spec.artifact.uri}`")])
    elif spec.imported:
        yield table(("what", "which"), [*_imported(spec.imported), ("stored at", f"`{spec.artifact.uri}`")])


def signature(found: Signature) -> Iterator[str]:
    """What a model takes and gives."""
    yield "## Signature"
    rows = [*_tensors("input", found.inputs), *_tensors("output", found.outputs)]
    yield table(("", "name", "type", "shape"), rows)


def _lineage(lineage: Lineage) -> Iterator[tuple[str, str]]:
    run, data, code = lineage.run, lineage.dataset, lineage.code
    yield "run", f"`{run.name}`, key {short(run.key)}"
    if code:
        yield "code", f"{plain(code.url)}, `{code.path}/{code.entrypoint}`"
        yield "commit", f"`{code.commit}`, tree {short(code.tree)}"
    if lineage.image_code:
        yield "code", f"in the image, `{lineage.image_code.path}/{lineage.image_code.entrypoint}`"
    yield "dataset", f"`{data.name}`, version `{data.digest}`"
    for split in lineage.splits:
        yield "trained on", f"split {plain(split.name)}, {split.rows:,} records, {short(split.digest)}"
    yield "image", plain(lineage.image)
    yield "seed", str(lineage.seed)
    for name, value in sorted(lineage.params.items()):
        yield f"param `{name}`", plain(value)


def _imported(imported: Imported) -> Iterator[tuple[str, str]]:
    yield "imported from", plain(imported.source)
    yield "license", plain(imported.license or "not told")
    yield "run", "none: no run of mlplane made it, and nothing is known of its data"


def _tensors(what: str, tensors: Sequence[Tensor]) -> Iterator[tuple[str, ...]]:
    for tensor in tensors:
        yield what, f"`{tensor.name}`", tensor.datatype, shape(tensor)
