"""``spec.suspend`` of a TrainingRun: its Workflow is ended, and the next attempt goes on later. Pure.

A Workflow that is told to stop counts as over while its pods still save their checkpoint: so the pods are
looked at, too, before a run is said to be suspended, and before its next attempt starts. Called by
``trainingrun``.
"""

from datetime import datetime, timedelta
from typing import Any

from mlplane import names
from mlplane.adapters.workflowchanges import is_suspended, suspended
from mlplane.adapters.workflowoutcome import outcome_of
from mlplane.adapters.workflowusage import total, usage_of
from mlplane.api import Body, TrainingRun
from mlplane.api.reading import at, named
from mlplane.api.refs import Query
from mlplane.api.trainingrun import TrainingRunStatus
from mlplane.reconcilers.plan import Observed, Plan
from mlplane.reconcilers.runoutcome import facts_of
from mlplane.reconcilers.runstatus import namespace_of, status_of, true_conditions
from mlplane.reconcilers.state import Suspended, Waiting

AGAIN = timedelta(seconds=2)
"""When to look again at pods that end: no watch tells of them."""


def pods_of(run: TrainingRun) -> tuple[Query, ...]:
    """The run's pods, where it has to be known whether they have ended."""
    if not (run.spec.suspend or any(c.type == names.SUSPENDED for c in run.status.conditions)):
        return ()
    labels = ((names.OWNER_KIND_LABEL, run.kind), (names.OWNER_NAME_LABEL, run.name))
    return (Query("v1", "Pod", namespace_of(run), labels),)


def is_ended_by_suspension(run: TrainingRun, attempt: int, workflow: Body) -> bool:
    """Whether a Workflow was ended by ``spec.suspend``, and the status says so already."""
    recorded = bool(true_conditions(run, names.SUSPENDED)) and run.status.attempt == attempt
    return recorded and is_suspended(workflow) and outcome_of(workflow).state == "Failed"


def is_to_stop(run: TrainingRun, workflow: Body) -> bool:
    """Whether a Workflow is to be stopped, or is being: not if it has come to an end by itself."""
    state = outcome_of(workflow).state
    return state != "Succeeded" and (is_suspended(workflow) or (bool(run.spec.suspend) and state != "Failed"))


def stop(run: TrainingRun, attempt: int, workflow: Body, observed: Observed, now: datetime) -> Plan:
    """One step towards the end of a Workflow and of its pods."""
    facts = facts_of(run, attempt, workflow)
    queries = pods_of(run)
    pods = [pod for query in queries for pod in observed.list(query)]
    alive = [pod for pod in pods if at(pod, "status", "phase") not in ("Succeeded", "Failed")]
    if is_suspended(workflow) and queries and not alive and outcome_of(workflow).state == "Failed":
        facts["usage"] = total(run.status.usage, usage_of(workflow, pods))
        return Plan(suspended_status(run, now, **facts))
    message = f"Workflow {named(workflow)} was told to stop; it may save a checkpoint first"
    if alive:
        message += f": waits for Pod {named(alive[0])} to end"
    status = status_of(
        run,
        Waiting(names.SUSPENDING, message),
        now,
        (names.SUSPENDED, False, names.SUSPENDING, message),
        **facts,
    )
    return Plan(status, apply=() if is_suspended(workflow) else (suspended(workflow),), requeue_after=AGAIN)


def suspended_status(run: TrainingRun, now: datetime, **known: Any) -> TrainingRunStatus:
    """The status of a run of which nothing is at work."""
    begun = known.get("workflow") or run.status.workflow
    far = "goes on from its last checkpoint" if begun else "starts"
    message = f"suspended: it {far} when spec.suspend is removed"
    state = Suspended(names.SUSPENDED, message)
    return status_of(run, state, now, (names.SUSPENDED, True, names.SUSPENDED, message), **known)


def still_suspended(run: TrainingRun) -> list[tuple[str, bool, str, str]]:
    """The condition of a run that may go on and has not yet: something else is in its way."""
    message = "it may go on, and has not started again yet"
    return [(c.type, True, c.reason, message) for c in true_conditions(run, names.SUSPENDED)]
