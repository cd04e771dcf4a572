"""Calls of templates in Argo Workflows, and what stands in them for the answers of earlier steps.

``argo``, ``datasetworkflows`` and ``sweepworkflow`` put them together.
"""

from typing import Any

from argo_workflows import models

from mlplane.adapters.steptemplates import Parameter

WorkflowStep = models.IoArgoprojWorkflowV1alpha1WorkflowStep


def output_of(step: str, parameter: str) -> str:
    """What stands for an output parameter of an earlier step in an argument."""
    return f"{{{{steps.{step}.outputs.parameters.{parameter}}}}}"


def call(step: str, arguments: dict[str, str] | None = None, *, when: str | None = None, **more: Any) -> Any:
    """One step of a template that has steps; each template is called once, under its own name.

    Args:
        step: Name of the template.
        arguments: Of the call.
        when: Condition; without it the step is always done.
        **more: Fields of a WorkflowStep, such as those of a loop.
    """
    if arguments:
        parameters = [Parameter(name=name, value=value) for name, value in arguments.items()]
        more["arguments"] = models.IoArgoprojWorkflowV1alpha1Arguments(parameters=parameters)
    if when:
        more["when"] = when
    return WorkflowStep(name=step, template=step, **more)
