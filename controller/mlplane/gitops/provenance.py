"""What the records of a model version say of it: where it came from, and how it was judged. Pure.

Called by ``gitops.served`` and ``cli.lineage``.
"""

from collections.abc import Iterable

from mlplane.api import Evaluation, ModelVersion
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import Body
from mlplane.api.served import Evidence, Measured, Origin
from mlplane.gitops.records import recorded


def origin_of(body: Body) -> Origin:
    """What a ModelVersion says of its origin.

    Raises:
        ValidationError: It is no valid ModelVersion.
    """
    version = ModelVersion.model_validate({**body, "status": {}})
    spec, lineage = version.spec, version.spec.lineage
    origin = Origin(name=version.name, model=spec.model, digest=spec.artifact.digest)
    if lineage is None:
        source = spec.imported.source if spec.imported else None
        return origin.model_copy(update={"imported_from": source})
    code = lineage.code or lineage.image_code
    where = lineage.code.url if lineage.code else lineage.image
    return origin.model_copy(
        update={
            "run": lineage.run.name,
            "run_key": lineage.run.key,
            "dataset": lineage.dataset,
            "splits": {split.name: split.digest for split in lineage.splits},
            "code": f"{where} {code.path}/{code.entrypoint}" if code else None,
            "commit": lineage.code.commit if lineage.code else None,
            "image": lineage.image,
            "params": {name: str(value) for name, value in sorted(lineage.params.items())},
            "seed": lineage.seed,
        }
    )


def evidence_for(version: PinnedRef, bodies: Iterable[Body]) -> tuple[Evidence, ...]:
    """The evaluations of a version that have an outcome, by name.

    Args:
        version: The version; an evaluation of other bytes does not count.
        bodies: Evaluations, as they stand in git or on a cluster.

    Raises:
        ValidationError: One is no valid Evaluation.
    """
    evaluations = sorted((Evaluation.model_validate(body) for body in bodies), key=lambda each: each.name)
    found = (_evidence(each) for each in evaluations if each.spec.model_version == version)
    return tuple(each for each in found if each)


def _evidence(evaluation: Evaluation) -> Evidence | None:
    body = recorded(evaluation)
    if body is None:
        return None
    spec = Evaluation.model_validate(body).spec
    if spec.recorded is None:
        return None
    return Evidence(
        evaluation=evaluation.name,
        verdict=spec.recorded.verdict,
        dataset=PinnedRef(name=spec.dataset.name, digest=spec.dataset.digest or ""),
        split=spec.split,
        rows=spec.recorded.rows,
        results=tuple(
            Measured(
                metric=each.gate.metric,
                slice=each.gate.slice,
                value=each.value,
                baseline=each.baseline,
                verdict=each.verdict,
            )
            for each in spec.recorded.results
        ),
        report=spec.recorded.report,
    )
