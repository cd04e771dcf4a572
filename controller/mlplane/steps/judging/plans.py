"""What can be said about a judgement before anything is judged: by names and types alone.

Called by ``steps.preflight``, before a GPU waits, and by ``steps.evaluate``. Pure, and without numpy.
"""

from collections.abc import Sequence

from mlplane.api.dataset import DataColumn, Split
from mlplane.api.judgement import Judgement
from mlplane.errors import BadData, InvalidInput
from mlplane.steps.judging.metrics import Task, names_of
from mlplane.steps.judging.slices import check_slice
from mlplane.tasks import JudgeTask

_LABELS = {"Classification": ("Integer", "Boolean"), "Regression": ("Integer", "Number")}


def task_kind(plan: Judgement) -> Task:
    """What the answer is: a class, or a number."""
    return plan.task or "Classification"


def check_judgement(plan: Judgement, columns: Sequence[DataColumn], dataset: str) -> None:
    """Whether a dataset has what a plan judges by.

    Raises:
        InvalidInput: it has not; names the field, what was found and what is allowed.
    """
    kinds = _LABELS[task_kind(plan)]
    labels = [c.name for c in columns if c.width is None and c.type in kinds]
    if plan.label not in labels:
        raise BadData(
            f"label {plan.label!r} is no single {' or '.join(kinds)} column of dataset "
            f"{dataset}: it has {', '.join(labels) or 'none'}"
        )
    for part in plan.slices:
        check_slice(part, columns)
    _check_gates(plan)


def check_leakage(task: JudgeTask) -> None:
    """Whether the records to judge by are unknown to the model.

    Raises:
        InvalidInput: the model was trained on them; names the split and its digest.
    """
    split = split_to_judge(task)
    if split.digest in task.trained_on:
        raise BadData(
            f"leakage: the model was trained on split {split.name!r} of dataset {task.dataset.name} "
            f"({split.digest}); judge it by records that it has not seen"
        )


def split_to_judge(task: JudgeTask) -> Split:
    """The split that the plan names.

    Raises:
        InvalidInput: the dataset has none of the name.
    """
    split = next((split for split in task.splits if split.name == task.plan.split), None)
    if split is None:
        names = ", ".join(split.name for split in task.splits)
        raise BadData(f"split {task.plan.split!r} is not in dataset {task.dataset.name}: it has {names}")
    return split


def check_metrics(plan: Judgement, given: Sequence[str]) -> None:
    """Whether each gate's metric is mlplane's own or one that the evaluator gave.

    Raises:
        InvalidInput: one is not; lists those that are known.
    """
    known = tuple(dict.fromkeys((*names_of(task_kind(plan)), *given)))
    for gate in plan.gates:
        if gate.metric not in known:
            raise InvalidInput(
                f"the gate on {gate.metric!r} names no metric of {task_kind(plan)}: "
                f"known are {', '.join(known)}"
            )


def _check_gates(plan: Judgement) -> None:
    slices = [part.name for part in plan.slices]
    for gate in plan.gates:
        if gate.slice and gate.slice not in slices:
            raise InvalidInput(
                f"the gate on {gate.metric!r} names slice {gate.slice!r}: "
                f"the plan has {', '.join(slices) or 'no slices'}"
            )
    if not plan.evaluator:
        check_metrics(plan, ())
