"""Argo Workflows: what a TrainingRun and an Evaluation become.

``datasetworkflows`` renders those of a Dataset with what is here; ``workflowoutcome`` reads what came of one.

Objects are written with the models of the ``argo-workflows`` package. The tests check what is written
against Argo's own CRD, because the models let unknown fields pass.

Rendered Workflows use no Argo artifacts (parameters carry digests, bytes go through the store), and
their pods have no token for the Kubernetes API.
"""

from typing import Any

from argo_workflows import models
from argo_workflows.api_client import ApiClient

from mlplane import names, tasks
from mlplane.adapters.children import labels_for, owner_reference, short_hash
from mlplane.adapters.stepcalls import call, output_of
from mlplane.adapters.steptemplates import Template, step_template
from mlplane.adapters.sweepworkflow import TRIAL, sweep_calls, sweep_templates
from mlplane.adapters.trainresources import with_resources
from mlplane.api import Body, Evaluation, Resource, TrainingRun
from mlplane.settings import Settings
from mlplane.tasks import JudgeTask, RunTask, VerifyTask

ENTRYPOINT = "main"


def run_workflow_name(run: TrainingRun, attempt: int) -> str:
    """The Workflow of an attempt, counted from 1."""
    return f"{run.name}-{attempt}"


def evaluation_workflow_name(evaluation: Evaluation) -> str:
    """The Workflow that carries out or verifies an evaluation; its name leaves room for nothing else."""
    return f"eval-{evaluation.name[:45]}-{short_hash([evaluation.name, evaluation.spec.to_body()])}"


def workflow_for_run(run: TrainingRun, task: RunTask, attempt: int, settings: Settings) -> Body:
    """The Workflow that trains, evaluates and publishes; training is left out if the result is stored."""
    if task.spec.sweep is not None:
        return _workflow_for_sweep(run, task, task.spec.sweep.parallelism, attempt, settings)
    key = output_of(tasks.PREFLIGHT, tasks.KEY_OUTPUT)
    model = output_of(tasks.TRAIN, tasks.MODEL_OUTPUT)
    cached_model = output_of(tasks.PREFLIGHT, tasks.MODEL_OUTPUT)
    calls = [
        [call(tasks.PREFLIGHT)],
        [call(tasks.TRAIN, when=f"{output_of(tasks.PREFLIGHT, tasks.CACHED_OUTPUT)} == false")],
        [call(tasks.EVALUATE, {"key": key, "model": model, "cached-model": cached_model})],
        [
            call(
                tasks.PUBLISH,
                {
                    "key": key,
                    "model": model,
                    "cached-model": cached_model,
                    "report": output_of(tasks.EVALUATE, tasks.REPORT_OUTPUT),
                },
            )
        ],
    ]
    templates = [
        step_template(
            tasks.PREFLIGHT,
            task,
            settings,
            outputs=(tasks.KEY_OUTPUT, tasks.CACHED_OUTPUT, tasks.MODEL_OUTPUT),
        ),
        step_template(tasks.TRAIN, task, settings, outputs=(tasks.MODEL_OUTPUT,), default=""),
        step_template(
            tasks.EVALUATE,
            task.judging,
            settings,
            inputs=("key", "model", "cached-model"),
            outputs=(tasks.REPORT_OUTPUT,),
        ),
        step_template(
            tasks.PUBLISH,
            task,
            settings,
            inputs=("key", "model", "cached-model", "report"),
            outputs=(tasks.RESULT_OUTPUT,),
        ),
    ]
    made = workflow_of(run, run_workflow_name(run, attempt), calls, templates)
    return with_resources(made, run.spec, settings.profile)


def _workflow_for_sweep(
    run: TrainingRun, task: RunTask, parallelism: int, attempt: int, settings: Settings
) -> Body:
    train = step_template(
        tasks.TRAIN, task, settings, inputs=(TRIAL,), outputs=(tasks.MODEL_OUTPUT,), default=""
    )
    templates = sweep_templates(task, train, settings)
    made = workflow_of(run, run_workflow_name(run, attempt), sweep_calls(), templates)
    made["spec"]["templates"][0]["parallelism"] = parallelism
    return with_resources(made, run.spec, settings.profile)


def workflow_for_evaluation(evaluation: Evaluation, task: JudgeTask, model: str, settings: Settings) -> Body:
    """The Workflow that judges a stored model.

    Args:
        evaluation: Whose Workflow it is.
        task: What is to be judged, and how.
        model: Digest of the model.
        settings: The operator's configuration.
    """
    outputs = (tasks.REPORT_OUTPUT, tasks.RECORDED_OUTPUT)
    judge = step_template(tasks.EVALUATE, task, settings, inputs=("model",), outputs=outputs)
    judging = call(tasks.EVALUATE, {"model": model})
    return workflow_of(evaluation, evaluation_workflow_name(evaluation), [[judging]], [judge])


def workflow_for_record(evaluation: Evaluation, task: VerifyTask, settings: Settings) -> Body:
    """The Workflow that compares a recorded evaluation with its report in the store."""
    verify = step_template(tasks.VERIFY, task, settings, outputs=(tasks.FINDING_OUTPUT,))
    return workflow_of(evaluation, evaluation_workflow_name(evaluation), [[call(tasks.VERIFY)]], [verify])


def workflow_of(owner: Resource, name: str, calls: list[list[Any]], templates: list[Any]) -> Body:
    """A Workflow whose entry point makes these calls: each group at once, one group after the other."""
    steps = [models.IoArgoprojWorkflowV1alpha1ParallelSteps(value=group) for group in calls]
    spec = models.IoArgoprojWorkflowV1alpha1WorkflowSpec(
        entrypoint=ENTRYPOINT,
        templates=[Template(name=ENTRYPOINT, steps=steps), *templates],
        service_account_name=names.RUNNER_SERVICE_ACCOUNT,
        automount_service_account_token=False,
        executor=models.IoArgoprojWorkflowV1alpha1ExecutorConfig(
            service_account_name=names.EXECUTOR_SERVICE_ACCOUNT
        ),
        security_context=models.PodSecurityContext(
            run_as_non_root=True, seccomp_profile=models.SeccompProfile(type="RuntimeDefault")
        ),
        volumes=[
            models.Volume(name="work", empty_dir=models.EmptyDirVolumeSource()),
            models.Volume(
                name="git",
                config_map=models.ConfigMapVolumeSource(name=names.GIT_CONFIG_MAP, optional=True),
            ),
        ],
    )
    labels = labels_for(owner)
    rendered: Body = ApiClient().sanitize_for_serialization(spec)
    rendered["podMetadata"] = {"labels": dict(labels)}
    if isinstance(owner, TrainingRun) and owner.spec.active_deadline_seconds is not None:
        rendered["activeDeadlineSeconds"] = owner.spec.active_deadline_seconds
    return {
        "apiVersion": names.WORKFLOW_API_VERSION,
        "kind": names.WORKFLOW_KIND,
        "metadata": {
            "name": name,
            "namespace": owner.metadata.namespace or "default",
            "labels": labels,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": rendered,
    }
