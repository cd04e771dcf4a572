"""What preflight says of the trials of a sweep: their run keys, and which of them were trained before."""

from pydantic import TypeAdapter

from mlplane import tasks
from mlplane.runkey import run_key
from mlplane.steps.workspace import Workspace, trained_model
from mlplane.sweeps import task_of_trial, trials_of
from mlplane.tasks import RunTask, TrialToDo

_LIST = TypeAdapter(list[TrialToDo])
_KEYS = TypeAdapter(list[str])


def trials_in(task: RunTask) -> list[RunTask]:
    """Each trial of a run as a run of its own; the run itself if it is no sweep.

    Raises:
        InvalidInput: no trials can be made of the sweep.
    """
    if task.spec.sweep is None:
        return [task]
    count = len(trials_of(task.spec.sweep, task.spec.seed))
    return [task_of_trial(task, index) for index in range(1, count + 1)]


def answer_trials(workspace: Workspace, task: RunTask, code: str) -> None:
    """Answer with ``trials`` and ``keys``.

    Args:
        workspace: The surroundings.
        task: Of a run with a sweep.
        code: What a run key says of the code.

    Raises:
        InvalidInput: no trials can be made of the sweep, or a stored result is damaged.
        Transient: the store fails.
    """
    keys = [run_key(trial, code) for trial in trials_in(task)]
    trained = [trained_model(workspace.store, key) is not None for key in keys]
    found = [TrialToDo(index=index, cached=cached) for index, cached in enumerate(trained, 1)]
    workspace.answer(tasks.TRIALS_OUTPUT, _LIST.dump_json(found, by_alias=True).decode())
    workspace.answer(tasks.KEYS_OUTPUT, _KEYS.dump_json(keys).decode())
