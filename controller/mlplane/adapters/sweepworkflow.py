"""The Workflow of a sweep: one training for each trial, so many at a time, and a choice among them.

    preflight -> trials (a loop over ``trial``, which is the step train unless its result is stored)
              -> select -> evaluate -> publish

The loop goes on when a trial fails. What counts for its parallelism is the template ``trial``, not its pods:
a trial that waits to be tried again keeps its place. Called by ``argo``; ``sweepoutcome`` reads what came of
such a Workflow.
"""

from typing import Any

from argo_workflows import models

from mlplane import tasks
from mlplane.adapters.stepcalls import call, output_of
from mlplane.adapters.steptemplates import Parameter, Template, step_template
from mlplane.settings import Settings
from mlplane.tasks import RunTask

TRIAL = "trial"
"""Name of a template, and of the parameter that says which trial it is."""
_CACHED = "cached"
_CHOSEN = {
    "key": output_of(tasks.SELECT, tasks.KEY_OUTPUT),
    "model": output_of(tasks.SELECT, tasks.MODEL_OUTPUT),
}


def sweep_calls() -> list[list[Any]]:
    """What the entry point of a sweep calls, one group after the other."""
    trials = output_of(tasks.PREFLIGHT, tasks.TRIALS_OUTPUT)
    each = {TRIAL: "{{item.index}}", _CACHED: "{{item.cached}}"}
    may_fail = models.IoArgoprojWorkflowV1alpha1ContinueOn(failed=True, error=True)
    report = output_of(tasks.EVALUATE, tasks.REPORT_OUTPUT)
    return [
        [call(tasks.PREFLIGHT)],
        [call(TRIAL, each, with_param=trials, continue_on=may_fail)],
        [call(tasks.SELECT, {"keys": output_of(tasks.PREFLIGHT, tasks.KEYS_OUTPUT)})],
        [call(tasks.EVALUATE, _CHOSEN)],
        [call(tasks.PUBLISH, _CHOSEN | {"report": report})],
    ]


def sweep_templates(task: RunTask, train: Any, settings: Settings) -> list[Any]:
    """The templates of a sweep.

    Args:
        task: Of the run.
        train: The template of the step train, which takes the parameter ``trial``.
        settings: The operator's configuration.
    """
    preflight = (tasks.TRIALS_OUTPUT, tasks.KEYS_OUTPUT)
    chosen = (tasks.TRIALS_OUTPUT, tasks.KEY_OUTPUT, tasks.MODEL_OUTPUT)
    return [
        step_template(tasks.PREFLIGHT, task, settings, outputs=preflight),
        _trial(),
        train,
        step_template(tasks.SELECT, task, settings, inputs=("keys",), outputs=chosen),
        step_template(
            tasks.EVALUATE, task.judging, settings, inputs=("key", "model"), outputs=(tasks.REPORT_OUTPUT,)
        ),
        step_template(
            tasks.PUBLISH, task, settings, inputs=("key", "model", "report"), outputs=(tasks.RESULT_OUTPUT,)
        ),
    ]


def _trial() -> Any:
    """A template around the step train, which asks for no GPU where there is nothing to train."""
    train = call(
        tasks.TRAIN,
        {TRIAL: f"{{{{inputs.parameters.{TRIAL}}}}}"},
        when=f"{{{{inputs.parameters.{_CACHED}}}}} == false",
    )
    return Template(
        name=TRIAL,
        inputs=models.IoArgoprojWorkflowV1alpha1Inputs(
            parameters=[Parameter(name=name) for name in (TRIAL, _CACHED)]
        ),
        steps=[models.IoArgoprojWorkflowV1alpha1ParallelSteps(value=[train])],
    )
