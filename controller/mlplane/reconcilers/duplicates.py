"""Two runs of the same work in a namespace: the later one waits, and finds the result in the store. Pure.

The same work is what has the same run key, where the commit stands for the tree of the code: no decision
reads git. So two commits with the same code count as other work: both runs train, with one result. Called by
``trainingrun``.
"""

from collections.abc import Iterable

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body, TrainingRun
from mlplane.api.conditions import is_true, of
from mlplane.api.dataset import Split
from mlplane.api.judgement import PinnedRef
from mlplane.api.reading import at, text
from mlplane.api.refs import Query
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.reconcilers.plan import Observed
from mlplane.reconcilers.runstatus import namespace_of, true_conditions
from mlplane.reconcilers.state import Waiting
from mlplane.runkey import run_key
from mlplane.tasks import RunTask

QUEUED = (
    "",
    names.DATASET_MISSING,
    names.DATASET_NOT_READY,
    names.DUPLICATE_OF,
    names.SUSPENDED,
)
"""Reasons of a run that starts as soon as this one may. Others may keep it for long, so it keeps nobody."""


def runs_beside(run: TrainingRun) -> tuple[Query, ...]:
    """The runs of the namespace, where this one may have to wait for another: not while it is at work."""
    if run.status.workflow and not true_conditions(run, names.SUSPENDED):
        return ()
    return (Query(run.api_version, run.kind, namespace_of(run)),)


def first_of_its_work(
    run: TrainingRun, dataset: PinnedRef, splits: tuple[Split, ...], observed: Observed
) -> Waiting | None:
    """Another run does the same work already, or came first; suspended ones let others go before them."""
    others = [body for query in runs_beside(run) for body in observed.list(query)]
    mine = _key(run.spec, dataset, splits)
    for other in _ahead_of(run, others):
        works_on = text(at(other, "status", "resolved", "dataset", "digest")) or dataset.digest
        spec = _spec_like(run, other)
        if works_on == dataset.digest and spec and _key(spec, dataset, splits) == mine:
            name = text(at(other, "metadata", "name"))
            message = f'does the same work as TrainingRun "{name}": waits for it, then takes its result'
            return Waiting(names.DUPLICATE_OF, message)
    return None


def _ahead_of(run: TrainingRun, others: Iterable[Body]) -> list[Body]:
    """Those that are at work, and those that came before and are about to be, oldest first."""
    mine = (run.metadata.creation_timestamp or "", run.name)
    found = [
        other
        for other in others
        if at(other, "metadata", "name") != run.name
        and (_is_at_work(other) or (_is_queued(other) and _came(other) < mine))
    ]
    return sorted(found, key=_came)


def _came(body: Body) -> tuple[str, str]:
    return text(at(body, "metadata", "creationTimestamp")), text(at(body, "metadata", "name"))


def _is_at_work(body: Body) -> bool:
    begun = bool(at(body, "status", "workflow")) and not is_true(body, names.SUSPENDED)
    return begun and not _has_ended(body)


def _is_queued(body: Body) -> bool:
    reason = text((of(body, names.READY) or {}).get("reason"))
    return reason in QUEUED and not at(body, "spec", "suspend") and not _has_ended(body)


def _has_ended(body: Body) -> bool:
    return is_true(body, names.COMPLETE) or is_true(body, names.FAILED)


def _spec_like(run: TrainingRun, other: Body) -> TrainingRunSpec | None:
    """The spec of a run that may do the same work; None for most others, without reading all of it."""
    spec = at(other, "spec")
    if at(spec, "model") != run.spec.model or at(spec, "dataset", "name") != run.spec.dataset.name:
        return None
    try:
        return TrainingRunSpec.model_validate(spec)
    except ValidationError:
        return None


def _key(spec: TrainingRunSpec, dataset: PinnedRef, splits: tuple[Split, ...]) -> str:
    """What is the same for the same work."""
    git, image = spec.code.git, spec.code.image
    code = f"{git.path}@{git.commit}" if git else f"image:{image.path if image else ''}"
    task = RunTask(spec=spec, dataset=dataset, splits=splits, image=spec.image or "")
    return run_key(task, code)
