"""The step ``select``: which trial of a sweep is the best, by what the scripts reported.

Everything is read from the store by run key, so that a trial counts whoever trained it. A trial without a
result has failed; why, its own step has said. Its model is judged like that of any run afterwards.
"""

import math
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from mlplane import tasks
from mlplane.api.meta import Digest
from mlplane.api.sweep import Objective, Trial
from mlplane.errors import InvalidInput, Terminal
from mlplane.steps.judging.decimals import exact, floor
from mlplane.steps.trainingmetrics import last_values
from mlplane.steps.workspace import Workspace, trained_model
from mlplane.store.artifacts import Store
from mlplane.tasks import RunTask, TrainedModel

LIMIT = 32 << 10
"""Bytes of an output parameter."""
TOLD = 3
"""Trials whose faults are told where there is no best one."""
_KEYS = TypeAdapter(list[Digest])
_TRIALS = TypeAdapter(list[Trial])
_SCORE_LENGTH, _MESSAGE_LENGTH = 32, 120

Found = tuple[Trial, float, TrainedModel | None]
"""A trial, its score, NaN if it has none, and its model."""


def select(workspace: Workspace, keys: str) -> None:
    """Choose the best trial; answers with ``trials``, ``key`` and ``model``.

    Args:
        workspace: The surroundings.
        keys: What preflight answered: the run keys of the trials as JSON, in their order.

    Raises:
        InvalidInput: the run has no sweep, or the keys are not what preflight answers.
        Terminal: no trial has a score.
        Transient: the store fails.
    """
    sweep = workspace.read_task(RunTask).spec.sweep
    if sweep is None:
        raise InvalidInput("the run has no spec.sweep, so there is nothing to select from")
    found = [_found(workspace.store, i, key, sweep.objective) for i, key in enumerate(_keys(keys), 1)]
    _, model = _best(found, sweep.objective)
    workspace.answer(tasks.TRIALS_OUTPUT, _answer([trial for trial, _, _ in found]))
    workspace.answer(tasks.KEY_OUTPUT, model.key)
    workspace.answer(tasks.MODEL_OUTPUT, model.artifact.digest)


def _keys(text: str) -> Sequence[str]:
    try:
        return _KEYS.validate_json(text)
    except ValidationError as error:
        raise InvalidInput(f"--keys does not hold run keys as preflight answers them: {error}") from error


def _found(store: Store, index: int, key: str, objective: Objective) -> Found:
    model = trained_model(store, key)
    if model is None:
        return Trial(index=index, run_key=key, state="Failed"), math.nan, None
    score, why = _score(store, key, objective.metric)
    trial = Trial(
        index=index,
        run_key=key,
        state="Succeeded" if score is not None else "Failed",
        score=None if score is None or math.isnan(score) else decimal_of(score),
        message=why,
    )
    return trial, math.nan if score is None else score, model


def _score(store: Store, key: str, metric: str) -> tuple[float | None, str | None]:
    """The last value of a metric, NaN if it was no number, None if there is none; and why it is no score."""
    reported = last_values(store, key)
    if metric not in reported:
        others = ", ".join(sorted(reported)) or "nothing"
        return None, _short(f"{metric} was never reported by training.metrics; reported: {others}")
    value = reported[metric]
    if value is None:
        return math.nan, f"the last {metric} was no finite number"
    return value, None


def _best(found: Sequence[Found], objective: Objective) -> tuple[Trial, TrainedModel]:
    """The trial with the best score; of several, the first."""
    sign = 1 if objective.goal == "Maximize" else -1
    scored = [
        (trial, sign * score, model) for trial, score, model in found if model and not math.isnan(score)
    ]
    if not scored:
        raise Terminal(
            f"none of the {len(found)} trials has a score{_faults([trial for trial, _, _ in found])}"
        )
    trial, _, model = max(scored, key=lambda each: each[1])
    return trial, model


def _faults(trials: Sequence[Trial]) -> str:
    """What the first trials that have made a model lack; what failed before has told it by itself."""
    told = [f"trial {trial.index}: {trial.message}" for trial in trials if trial.message]
    more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return f": {'; '.join(told[:TOLD])}{more}" if told else ""


def decimal_of(value: float) -> str:
    """A score as a decimal string: as it prints if that is short enough, else with twelve decimals."""
    whole = f"{exact(value):f}"
    return whole if len(whole) <= _SCORE_LENGTH else floor(exact(value), 12)


def _short(message: str) -> str:
    return message if len(message) <= _MESSAGE_LENGTH else f"{message[: _MESSAGE_LENGTH - 1]}…"


def _answer(trials: Sequence[Trial]) -> str:
    answer = _TRIALS.dump_json(list(trials), by_alias=True, exclude_none=True, exclude_defaults=True)
    if len(answer) > LIMIT:  # a hundred trials with the longest messages are less
        raise Terminal(f"the trials have {len(answer)} bytes; at most {LIMIT} fit")
    return answer.decode()
