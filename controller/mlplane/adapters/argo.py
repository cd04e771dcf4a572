"""Argo Workflows: what a TrainingRun and an Evaluation become, and what came of it.

``datasetworkflows`` renders those of a Dataset with what is here.

Objects are written with the models of the ``argo-workflows`` package and read as plain JSON: the
models refuse what a live Workflow holds. The tests check what is written against Argo's own CRD,
because the models let unknown fields pass.

Rendered Workflows use no Argo artifacts (parameters carry digests, bytes go through the store), and
their pods have no token for the Kubernetes API.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from argo_workflows import models
from argo_workflows.api_client import ApiClient
from pydantic import ValidationError

from mlplane import names, tasks
from mlplane.adapters.children import labels_for, owner_reference, short_hash
from mlplane.api import Body, Evaluation, Resource, TrainingRun
from mlplane.api.reading import at, mapping, mappings, named, text
from mlplane.errors import Terminal
from mlplane.settings import Settings
from mlplane.tasks import IngestTask, JudgeTask, RunTask, TransformTask, VerifyTask

Task = TransformTask | IngestTask | RunTask | JudgeTask | VerifyTask
Template = models.IoArgoprojWorkflowV1alpha1Template
Parameter = models.IoArgoprojWorkflowV1alpha1Parameter
WorkflowStep = models.IoArgoprojWorkflowV1alpha1WorkflowStep

ENTRYPOINT = "main"
RETRIES_AFTER_LOSS = "20"
"""How often a step is started again after its pod was lost: an error, not a failure of its own.

A laptop that is closed in the evening loses its pods each time.
"""
RETRIED = "lastRetry.status == 'Error' || (asInt(lastRetry.exitCode) == 2 && asInt(retries) < 3)"
"""Beside that, a step is tried thrice more if it says that another try may help (``steps.__main__``)."""
RETRY_AFTER = "5s"


def run_workflow_name(run: TrainingRun, attempt: int) -> str:
    """The Workflow of an attempt, counted from 1."""
    return f"{run.name}-{attempt}"


def evaluation_workflow_name(evaluation: Evaluation) -> str:
    """The Workflow that carries out or verifies an evaluation; its name leaves room for nothing else."""
    return f"eval-{evaluation.name[:45]}-{short_hash([evaluation.name, evaluation.spec.to_body()])}"


def workflow_for_run(run: TrainingRun, task: RunTask, attempt: int, settings: Settings) -> Body:
    """The Workflow that trains, evaluates and publishes; training is left out if the result is stored."""
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
    return workflow_of(run, run_workflow_name(run, attempt), calls, templates)


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


def judge_task_of(workflow: Body) -> JudgeTask | None:
    """The task that an evaluation's Workflow was rendered from; None if it holds none."""
    for document in _tasks(workflow):
        try:
            return JudgeTask.model_validate_json(document)
        except ValidationError:
            continue
    return None


def task_of(workflow: Body) -> RunTask:
    """The task that a run's Workflow was rendered from: what it really works on.

    Raises:
        Terminal: the Workflow holds no such task.
    """
    for document in _tasks(workflow):
        # The step evaluate is told its own part of it, which names neither code to run nor parameters.
        with suppress(ValidationError):
            return RunTask.model_validate_json(document)
    message = f"Workflow {named(workflow)} was not made for a TrainingRun: it holds no task"
    raise Terminal(message)


def _tasks(workflow: Body) -> Iterator[str]:
    """The JSON documents that tell the steps what to do, in the order of the templates."""
    for template in mappings(at(workflow, "spec", "templates")):
        for variable in mappings(at(template, "container", "env")):
            if variable.get("name") == names.TASK_ENV:
                yield text(variable.get("value")).replace("$$", "$")


@dataclass(frozen=True)
class Outcome:
    """What a Workflow came to, as far as it is."""

    state: Literal["Pending", "Running", "Succeeded", "Failed"]
    message: str = ""
    """Why it failed, or what a step that has not started waits for; empty if there is nothing to say."""
    progress: str = ""
    """Finished and known pods, ``N/M``."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Output parameters of finished steps as ``step.parameter``."""


def outcome_of(workflow: Body) -> Outcome:
    """Read a Workflow. Unknown phases count as running: the next event tells more.

    Whatever stands in it, it is read: parts that are not as Argo writes them count as absent.
    """
    status = mapping(workflow.get("status"))
    nodes = mappings(list(mapping(status.get("nodes")).values()))
    phase = status.get("phase") or "Pending"
    known = isinstance(phase, str) and phase in _STATES
    return Outcome(
        state=_STATES[phase] if known else "Running",
        message=_failure(status, nodes) or _waiting(nodes) or ("" if known else _unknown(phase)),
        progress=text(status.get("progress"))[:PROGRESS_LIMIT],
        outputs=_outputs(nodes),
    )


_STATES: dict[str, Literal["Pending", "Running", "Succeeded", "Failed"]] = {
    "Pending": "Pending",
    "Running": "Running",
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Error": "Failed",
}


PROGRESS_LIMIT = 32


def _unknown(phase: object) -> str:
    return f"the Workflow is in a phase that mlplane does not know: {str(phase)[:40]!r}"


def _failure(status: Body, nodes: list[Body]) -> str:
    """The message of the pod that failed last; the Workflow's own says only that a child failed."""
    failed = [n for n in nodes if n.get("type") == "Pod" and n.get("phase") in ("Failed", "Error")]
    if not failed:
        return text(status.get("message"))
    last = max(failed, key=lambda n: text(n.get("finishedAt")))
    return f"step {_step(last)}: {_sentence(text(last.get('message')) or last['phase'])}"


def _step(node: Body) -> str:
    return text(node.get("templateName")) or "without a name"


_STARTING = ("", "ContainerCreating", "PodInitializing")
"""What a pod says that starts as it should."""


def _waiting(nodes: list[Body]) -> str:
    """What keeps a pod from starting, such as an image that cannot be had."""
    pods = (n for n in nodes if n.get("type") == "Pod" and n.get("phase") == "Pending")
    pending = (n for n in pods if text(n.get("message")) not in _STARTING)
    return next((f"step {_step(n)} has not started: {n['message']}" for n in pending), "")


def _sentence(message: str) -> str:
    """The last line, which is where a step says what is wrong; before it stands the rest of its log."""
    lines = [line for line in message.splitlines() if line.strip()]
    return re.sub(r"^mlplane \w+: ", "", lines[-1]) if lines else ""


def _outputs(nodes: list[Body]) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in nodes:
        if node.get("phase") != "Succeeded" or node.get("type") not in ("Pod", "Retry"):
            continue
        for parameter in mappings(at(node, "outputs", "parameters")):
            if isinstance(parameter.get("value"), str):
                found[f"{node.get('templateName')}.{parameter.get('name')}"] = parameter["value"]
    return found


def output_of(step: str, parameter: str) -> str:
    """What stands for an output parameter of an earlier step in an argument."""
    return f"{{{{steps.{step}.outputs.parameters.{parameter}}}}}"


def call(step: str, arguments: dict[str, str] | None = None, *, when: str | None = None) -> Any:
    """One step of the entry point; each template is called once, under its own name."""
    optional: dict[str, Any] = {}
    if arguments:
        parameters = [Parameter(name=name, value=value) for name, value in arguments.items()]
        optional["arguments"] = models.IoArgoprojWorkflowV1alpha1Arguments(parameters=parameters)
    if when:
        optional["when"] = when
    return WorkflowStep(name=step, template=step, **optional)


def step_template(
    step: str,
    task: Task,
    settings: Settings,
    *,
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...],
    default: str | None = None,
) -> Any:
    """A template that runs a step; ``default`` is the value of its outputs where it is skipped."""
    optional: dict[str, Any] = {}
    arguments = [step]
    for name in inputs:
        # One argument each, ``--name=value``, so that a value can never be read as an option.
        arguments.append(f"--{name}={{{{inputs.parameters.{name}}}}}")
        optional["inputs"] = models.IoArgoprojWorkflowV1alpha1Inputs(
            parameters=[Parameter(name=n) for n in inputs]
        )
    return Template(
        name=step,
        container=_container(arguments, task, settings),
        outputs=models.IoArgoprojWorkflowV1alpha1Outputs(
            parameters=[_output_file(name, default) for name in outputs]
        ),
        retry_strategy=models.IoArgoprojWorkflowV1alpha1RetryStrategy(
            limit=RETRIES_AFTER_LOSS,
            retry_policy="Always",
            expression=RETRIED,
            backoff=models.IoArgoprojWorkflowV1alpha1Backoff(duration=RETRY_AFTER),
        ),
        **optional,
    )


def _output_file(name: str, default: str | None) -> Any:
    """An output parameter that is read from its file."""
    optional = {} if default is None else {"default": default}
    source = models.IoArgoprojWorkflowV1alpha1ValueFrom(path=f"{names.OUTPUT_DIR}/{name}", **optional)
    return Parameter(name=name, value_from=source)


def _container(arguments: list[str], task: Task, settings: Settings) -> Any:
    environment = {
        names.STORE_ENV: settings.store,
        names.TASK_ENV: _literal(task.model_dump_json(by_alias=True, exclude_none=True)),
        names.WORK_DIR_ENV: names.WORK_DIR,
        "GIT_CONFIG_GLOBAL": f"{names.GIT_CONFIG_DIR}/{names.GIT_CONFIG_KEY}",
        "HOME": f"{names.WORK_DIR}/home",
    }
    return models.Container(
        image=settings.image,
        command=["python", "-m", "mlplane.steps"],
        args=arguments,
        env=[models.EnvVar(name=name, value=value) for name, value in environment.items()],
        volume_mounts=[
            models.VolumeMount(name="work", mount_path=names.WORK_DIR),
            models.VolumeMount(name="git", mount_path=names.GIT_CONFIG_DIR, read_only=True),
        ],
        # So that a failure says why: the last lines of a step's log become the message of its node.
        termination_message_policy="FallbackToLogsOnError",
        security_context=models.SecurityContext(
            allow_privilege_escalation=False, capabilities=models.Capabilities(drop=["ALL"])
        ),
    )


def _literal(document: str) -> str:
    """A JSON document as it can stand in a template: nothing in it is expanded.

    Argo fills in ``{{…}}``, which JSON has in texts only, where a brace may be escaped; a kubelet expands
    ``$(NAME)``, and reads ``$$`` as ``$``.
    """
    return document.replace("{{", r"{\u007b").replace("$", "$$")


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
