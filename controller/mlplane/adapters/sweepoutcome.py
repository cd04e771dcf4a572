"""What the Workflow of a sweep tells of its trials. Pure.

The step select answers what counted; of a trial that failed, the message of its last pod says why. Called by
``reconcilers.trials``.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from mlplane import tasks
from mlplane.adapters.sweepworkflow import TRIAL
from mlplane.adapters.workflowchanges import is_suspended
from mlplane.adapters.workflowoutcome import sentence
from mlplane.api import Body
from mlplane.api.reading import at, mapping, mappings, text
from mlplane.api.sweep import Trial

_ANSWER = TypeAdapter(tuple[Trial, ...])
_ENDED = ("Succeeded", "Failed", "Error", "Skipped")
_FAILED = ("Failed", "Error")
_MESSAGE_LENGTH = 256


def trials_told(
    workflow: Body, outputs: Mapping[str, str], params: Sequence[Mapping[str, str]]
) -> tuple[Trial, ...]:
    """What became of the trials: of all, once one was selected; before, of those that failed.

    That the run is suspended is no failure of a trial: the next attempt trains it.

    Args:
        workflow: Of the run.
        outputs: Output parameters of its finished steps, as ``outcome_of`` has them.
        params: Of each trial.
    """
    why = {} if is_suspended(workflow) else failures_in(workflow)
    answered = _answered(outputs.get(f"{tasks.SELECT}.{tasks.TRIALS_OUTPUT}"))
    known = answered or tuple(Trial(index=index, state="Failed") for index in sorted(why))
    return tuple(
        trial.model_copy(
            update={
                "params": dict(params[trial.index - 1]),
                "message": trial.message or (why.get(trial.index) if trial.state == "Failed" else None),
            }
        )
        for trial in known
        if trial.index <= len(params)
    )


def failures_in(workflow: Body) -> dict[int, str]:
    """Why trials failed, by their index: what the last pod of each says; not if they are tried again."""
    over = {node.get("id") for node in _trials(workflow) if node.get("phase") in _FAILED}
    last: dict[int, Body] = {}
    for index, node in _pods(workflow):
        is_last = text(node.get("startedAt")) >= text(last.get(index, {}).get("startedAt"))
        if is_last and node.get("boundaryID") in over:
            last[index] = node
    return {
        index: sentence(text(node.get("message")) or text(node["phase"]))[:_MESSAGE_LENGTH]
        for index, node in last.items()
        if node.get("phase") in _FAILED
    }


def ended_in(workflow: Body) -> tuple[int, int]:
    """How many trials have ended, and how many of them have failed."""
    phases = [text(node.get("phase")) for node in _trials(workflow)]
    return sum(phase in _ENDED for phase in phases), sum(phase in _FAILED for phase in phases)


def without_trials(workflow: Body) -> Body:
    """The Workflow without the pods of trials that failed: that a trial fails is no failure of the run."""
    nodes = mapping(at(workflow, "status", "nodes"))
    kept = {
        key: node
        for key, node in nodes.items()
        if not (mapping(node).get("templateName") == tasks.TRAIN and mapping(node).get("phase") in _FAILED)
    }
    return workflow | {"status": mapping(workflow.get("status")) | {"nodes": kept}}


def _trials(workflow: Body) -> list[Body]:
    """The nodes around the pods of each trial."""
    nodes = mappings(list(mapping(at(workflow, "status", "nodes")).values()))
    return [node for node in nodes if node.get("templateName") == TRIAL]


def _pods(workflow: Body) -> Iterator[tuple[int, Body]]:
    """The pods of trials, with the number of the trial."""
    for node in mappings(list(mapping(at(workflow, "status", "nodes")).values())):
        if node.get("type") != "Pod" or node.get("templateName") != tasks.TRAIN:
            continue
        for parameter in mappings(at(node, "inputs", "parameters")):
            number = text(parameter.get("value"))
            if parameter.get("name") == TRIAL and number.isdecimal():
                yield int(number), node


def _answered(document: str | None) -> tuple[Trial, ...]:
    try:
        return _ANSWER.validate_json(document or "[]")
    except ValidationError:
        return ()
