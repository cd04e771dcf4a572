"""The trials of a TrainingRun with a sweep: its gate, and what its Workflow tells of them. Pure.

Called by ``trainingrun`` and ``runoutcome``.
"""

from mlplane import names, tasks
from mlplane.adapters.sweepoutcome import ended_in, failures_in, trials_told, without_trials
from mlplane.adapters.workflowoutcome import Outcome, outcome_of
from mlplane.api import Body, TrainingRun
from mlplane.api.sweep import Trial
from mlplane.errors import InvalidInput
from mlplane.reconcilers.plan import Observed
from mlplane.reconcilers.state import Stalled
from mlplane.sweeps import task_of_trial, trials_of
from mlplane.tasks import RunTask

TOLD = 3
"""Trials whose failures are told in a message."""


def sweep_impossible(run: TrainingRun, _observed: Observed) -> Stalled | None:
    """No trials can be made of the sweep, or too many."""
    try:
        if run.spec.sweep is not None:
            trials_of(run.spec.sweep, run.spec.seed)
    except InvalidInput as error:
        return Stalled(names.INVALID_SWEEP, f"{error}; create a run with another name")
    return None


def trials_in(workflow: Body, outcome: Outcome, task: RunTask) -> tuple[Trial, ...]:
    """What became of the trials, as far as it is known; nothing for a run without a sweep."""
    sweep = task.spec.sweep
    return trials_told(workflow, outcome.outputs, trials_of(sweep, task.spec.seed)) if sweep else ()


def trained_task(task: RunTask, trials: tuple[Trial, ...], key: str) -> tuple[RunTask, int | None]:
    """The task whose model a run published, and the number of the trial that it is; None without a sweep."""
    best = next((trial.index for trial in trials if trial.run_key == key), None)
    return (task_of_trial(task, best), best) if best else (task, None)


def message_of(workflow: Body, outcome: Outcome, task: RunTask) -> str:
    """What a Workflow has to say; for a sweep, how many trials have ended, or why the first ones failed."""
    if task.spec.sweep is None or outcome.state == "Succeeded":
        return outcome.message
    if outcome.state == "Failed":
        chosen = f"{tasks.SELECT}.{tasks.KEY_OUTPUT}" in outcome.outputs
        return outcome.message if chosen else outcome.message + _failures(workflow)
    ended, failed = ended_in(workflow)
    if (waiting := outcome_of(without_trials(workflow)).message) or not ended:
        return waiting
    lost = f", {failed} of them failed" if failed else ""
    count = len(trials_of(task.spec.sweep, task.spec.seed))
    return f"{ended} of {count} trials have ended{lost}; progress {outcome.progress}"


def _failures(workflow: Body) -> str:
    found = [f"; trial {index}: {why}" for index, why in sorted(failures_in(workflow).items())]
    more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return "".join(found[:TOLD]) + more
