"""What the step that trains gets beside its task: GPUs, a place to run, the user's image and Secret.

Only that step, so that no GPU waits while data are read or a model is judged. The check before it has image
and Secret too, so that a missing one shows in seconds. Pure; works on rendered Workflows. Called by ``argo``.
"""

from mlplane import names, tasks
from mlplane.api import Body
from mlplane.api.pools import gpus_of, pool_for
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.capacity import Pool, Profile

ANY_GPU = "nvidia.com/gpu"
"""The resource that is asked for where the profile names no pools."""
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
_SHARED_MEMORY = "shm"
_NO_GPU = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}
"""Images with CUDA say ``all`` here, by which NVIDIA's runtime gives the GPUs of others to who asks for none
(https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html)."""


def with_resources(workflow: Body, spec: TrainingRunSpec, profile: Profile) -> Body:
    """The Workflow, which is changed in place, with what its step that trains needs.

    Args:
        workflow: As rendered.
        spec: Of its run.
        profile: The machines of the plane.
    """
    pool = pool_for(spec, profile)
    for template in workflow["spec"]["templates"]:
        if template["name"] == tasks.TRAIN:
            _limit(template["container"], spec, pool, profile)
            _place(template, pool, profile)
            if gpus_of(spec, profile) or (spec.processes or 1) > 1:
                _share_memory(template, pool)
        if template["name"] in (tasks.PREFLIGHT, tasks.TRAIN):
            has_gpus = template["name"] == tasks.TRAIN and gpus_of(spec, profile) > 0
            _bring(template["container"], spec, has_gpus=has_gpus)
    return workflow


def _bring(container: Body, spec: TrainingRunSpec, *, has_gpus: bool) -> None:
    """What belongs to the user's code: its image and its Secret."""
    if spec.image is not None:
        container["image"] = spec.image
        if not has_gpus:
            container["env"] = [*container["env"], dict(_NO_GPU)]
    if spec.secret_ref is not None:
        secret = {"prefix": names.SCRIPT_ENV_PREFIX, "secretRef": {"name": spec.secret_ref.name}}
        container["envFrom"] = [secret]


def _limit(container: Body, spec: TrainingRunSpec, pool: Pool | None, profile: Profile) -> None:
    """Limits alone: an API server takes them for the requests too."""
    resource = pool.gpu_resource if pool else ANY_GPU
    limits = {
        "cpu": spec.cpu or (pool and pool.cpu),
        "memory": spec.memory or (pool and pool.memory),
        resource: gpus_of(spec, profile),
    }
    if given := {name: str(amount) for name, amount in limits.items() if amount}:
        container["resources"] = {"limits": given}
    if gpus := gpus_of(spec, profile):
        container["env"] = [*container["env"], {"name": names.GPUS_ENV, "value": str(gpus)}]


def _place(template: Body, pool: Pool | None, profile: Profile) -> None:
    labels = {QUEUE_LABEL: profile.queue, names.POOL_LABEL: pool.name if pool else None}
    if given := {name: value for name, value in labels.items() if value}:
        template["metadata"] = {"labels": given}
    if pool is None:
        return
    if pool.node_selector:
        template["nodeSelector"] = dict(pool.node_selector)
    if pool.tolerations:
        template["tolerations"] = [
            each.model_dump(by_alias=True, exclude_none=True) for each in pool.tolerations
        ]


def _share_memory(template: Body, pool: Pool | None) -> None:
    """What NCCL and readers of data exchange by; a runtime gives 64 MiB, too little for both."""
    memory = {"medium": "Memory"}
    if pool and pool.shared_memory is not None:
        memory["sizeLimit"] = str(pool.shared_memory)
    template["volumes"] = [*template.get("volumes", ()), {"name": _SHARED_MEMORY, "emptyDir": memory}]
    mount = {"name": _SHARED_MEMORY, "mountPath": names.SHARED_MEMORY_DIR}
    template["container"]["volumeMounts"] = [*template["container"]["volumeMounts"], mount]
