"""Templates of Argo Workflows: how one step runs, in which container and with which retries.

``argo`` and ``datasetworkflows`` put them together.
"""

from typing import Any

from argo_workflows import models

from mlplane import names
from mlplane.settings import Settings
from mlplane.tasks import IngestTask, JudgeTask, RunTask, TransformTask, VerifyTask

Task = TransformTask | IngestTask | RunTask | JudgeTask | VerifyTask
Template = models.IoArgoprojWorkflowV1alpha1Template
Parameter = models.IoArgoprojWorkflowV1alpha1Parameter

RETRIES_AFTER_LOSS = "20"
"""How often a step is started again after its pod was lost: an error, not a failure of its own.

A laptop that is closed in the evening loses its pods each time.
"""
_TOO_MUCH = "^(main: OOMKilled|Usage of EmptyDir|Pod ephemeral|Container )"
"""How the message of a pod begins that was ended because it took more than it may; so would the next one."""
RETRIED = (
    "lastRetry.status == 'Error'"
    f" || (asInt(lastRetry.exitCode) in [4, 137, 143] && not (lastRetry.message matches '{_TOO_MUCH}'))"
    " || lastRetry.message matches '^(The node |Pod was (terminated|rejected)|Preempted)'"
    " || (asInt(lastRetry.exitCode) in [2, 6, 8] && asInt(retries) < 3)"
)
"""Lost are also a step that was stopped or killed from outside, and a pod that its node gave up.

Beside that, a step is tried thrice more if it says that another try may help (``steps.__main__``).
"""
RETRY_AFTER = "5s"


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
