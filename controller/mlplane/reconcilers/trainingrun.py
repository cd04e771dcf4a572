"""TrainingRun: one Workflow for each attempt; its answer becomes a ModelVersion and an Evaluation."""

from dataclasses import replace
from datetime import datetime

from mlplane import names
from mlplane.adapters import argo
from mlplane.adapters.children import is_owned_by
from mlplane.adapters.workflowchanges import expiring, ttl_of
from mlplane.api import Body, TrainingRun
from mlplane.api.dataset import DatasetStatus
from mlplane.api.judgement import PinnedRef
from mlplane.api.refs import Query, Ref
from mlplane.api.trainingrun import ResolvedDataset
from mlplane.reconcilers.baselines import baseline_missing, baseline_model, baseline_refs
from mlplane.reconcilers.capacity import no_capacity
from mlplane.reconcilers.datasets import dataset_missing, dataset_not_ready, split_missing, version_of
from mlplane.reconcilers.duplicates import first_of_its_work, runs_beside
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.runoutcome import follow
from mlplane.reconcilers.runstatus import finished, lasting, namespace_of, status_of
from mlplane.reconcilers.state import UNWATCHED, Stalled, Waiting, first_blocked, name_taken
from mlplane.reconcilers.suspension import (
    is_ended_by_suspension,
    is_to_stop,
    pods_of,
    still_suspended,
    stop,
    suspended_status,
)
from mlplane.reconcilers.trials import sweep_impossible
from mlplane.tasks import RunTask

KIND = TrainingRun


def refs(run: TrainingRun, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The Workflows; and the dataset and whatever else a start depends on, while the run has not ended."""
    attempts = run.status.attempt or 1
    if finished(run):
        return tuple(_workflow(run, n) for n in range(1, attempts + 1))
    return (
        _dataset(run),
        _workflow(run, attempts),
        _workflow(run, attempts + 1),
        *baseline_refs(run.spec.evaluation.baseline, namespace_of(run)),
        *runs_beside(run),
        *pods_of(run),
    )


def dataset_unusable(run: TrainingRun, observed: Observed) -> Waiting | None:
    """The Dataset does not exist, has no version of its present spec, or lacks the split to evaluate on.

    A run that has started before stays with the version that it started on.
    """
    if run.status.resolved:
        return None
    name, dataset = run.spec.dataset.name, observed.get(_dataset(run))
    return (
        dataset_missing(name, dataset)
        or dataset_not_ready(name, dataset)
        or split_missing(name, dataset, run.spec.evaluation.split)
    )


def no_baseline(run: TrainingRun, observed: Observed) -> Waiting | Stalled | None:
    """What the model is to be compared with does not exist (yet)."""
    return baseline_missing(run.spec.evaluation.baseline, namespace_of(run), observed)


def duplicate(run: TrainingRun, observed: Observed) -> Waiting | None:
    """Another run does the same work first."""
    version = _version(run, observed)
    return first_of_its_work(run, _pinned(run, version), version.splits, observed)


GATES = (sweep_impossible, dataset_unusable, no_baseline, duplicate)


def plan(run: TrainingRun, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Start what may start, follow what runs, publish what has finished; a finished run stays finished."""
    if (ended := finished(run)) is not None:
        return Plan(status_of(run, ended, now, *lasting(run)), apply=_expiring(run, observed))
    attempt, workflow = _newest_attempt(run, observed)
    if workflow is not None and not is_owned_by(workflow, run):
        return Plan(status_of(run, name_taken(workflow, names.RUNNING), now), requeue_after=UNWATCHED)
    if workflow is not None and not is_ended_by_suspension(run, attempt, workflow):
        if is_to_stop(run, workflow):
            return stop(run, attempt, workflow, observed, now)
        return follow(run, attempt, workflow, now, settings.profile)
    if run.spec.suspend:
        return Plan(suspended_status(run, now))
    if lacking := no_capacity(run, settings.profile):
        return Plan(status_of(run, lacking, now, *still_suspended(run), failure_class="User"))
    if blocked := first_blocked(GATES, run, observed):
        return Plan(status_of(run, blocked, now, *still_suspended(run)))
    return _start(run, attempt if workflow is None else attempt + 1, observed, now, settings)


def _newest_attempt(run: TrainingRun, observed: Observed) -> tuple[int, Body | None]:
    """The newest attempt and its Workflow; where that one was deleted, the number of the next."""
    attempt = run.status.attempt or 1
    workflow, following = (observed.get(_workflow(run, n)) for n in (attempt, attempt + 1))
    if following is not None and (workflow is None or is_owned_by(following, run)):
        return attempt + 1, following
    if workflow is not None:
        return attempt, workflow
    return (attempt + 1 if run.status.workflow else attempt), None


def _start(run: TrainingRun, attempt: int, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """The status says at once what it will say when the Workflow has been seen: one write less."""
    version = _version(run, observed)
    task = RunTask(
        spec=run.spec,
        dataset=_pinned(run, version),
        splits=version.splits,
        image=run.spec.image or settings.image,
        baseline=baseline_model(run.spec.evaluation.baseline, namespace_of(run), observed),
    )
    made = argo.workflow_for_run(run, task, attempt, settings)
    return replace(follow(run, attempt, made, now, settings.profile), create=(made,))


def _expiring(run: TrainingRun, observed: Observed) -> tuple[Body, ...]:
    """Workflows of a recorded run that are to be deleted at another time than they say.

    Only then: a Workflow that goes before it was recorded would have to be run again.
    """
    ttl = run.spec.ttl_seconds_after_finished
    found = [body for body in observed.objects.values() if body is not None and is_owned_by(body, run)]
    return tuple(expiring(workflow, ttl) for workflow in found if ttl_of(workflow) != ttl)


def _version(run: TrainingRun, observed: Observed) -> ResolvedDataset | DatasetStatus:
    """The version of the dataset that the run works on."""
    resolved = run.status.resolved
    return resolved.dataset if resolved else version_of(observed.get(_dataset(run)))


def _pinned(run: TrainingRun, version: ResolvedDataset | DatasetStatus) -> PinnedRef:
    if version.digest is None:  # the gates let only a Dataset with a version through
        message = f'Dataset "{run.spec.dataset.name}" is ready without a digest'
        raise ValueError(message)
    return PinnedRef(name=run.spec.dataset.name, digest=version.digest)


def _dataset(run: TrainingRun) -> Ref:
    return Ref(names.API_VERSION, "Dataset", namespace_of(run), run.spec.dataset.name)


def _workflow(run: TrainingRun, attempt: int) -> Ref:
    name = argo.run_workflow_name(run, attempt)
    return Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, namespace_of(run), name)
