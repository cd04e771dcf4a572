"""Workflows of runs, rendered for all kinds of machines; judged by Argo's CRD and by an API server."""

from typing import Any

import builders as b
from mlplane.adapters import argo
from mlplane.api import TrainingRun
from mlplane.capacity import Profile
from mlplane.settings import Settings

Body = dict[str, Any]

NVIDIA = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
SPOT = {"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NoSchedule"}
PROFILE = Profile.model_validate(
    {
        "pools": [
            {
                "name": "h100",
                "gpuType": "h100",
                "gpusPerNode": 8,
                "nodes": 2,
                "cpu": 16,
                "memory": "200Gi",
                "sharedMemory": "64Gi",
                "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"},
                "tolerations": [NVIDIA],
            },
            {
                "name": "slices",
                "gpuType": "mig-1g.10gb",
                "gpuResource": "nvidia.com/mig-1g.10gb",
                "gpusPerNode": 7,
            },
        ]
    }
)
SPOT_PROFILE = Profile.model_validate(
    {
        "queue": "team-a",
        "pools": [
            {
                "name": "spot",
                "gpusPerNode": 4,
                "nodeSelector": {"cloud.google.com/gke-spot": "true"},
                "tolerations": [NVIDIA, SPOT],
            }
        ],
    }
)
SWEEP = {
    "method": "Grid",
    "parameters": [{"name": "batch", "values": [16, 32]}],
    "parallelism": 2,
    "objective": {"metric": "accuracy", "goal": "Maximize"},
}
CASES: dict[str, tuple[Profile, Body]] = {
    "on a CPU": (PROFILE, {"cpu": 4, "memory": "8Gi"}),
    "on one GPU": (PROFILE, {"gpus": 1}),
    "on eight GPUs": (PROFILE, {"gpus": 8, "gpuType": "h100", "processes": 8}),
    "on a part of a GPU": (PROFILE, {"gpus": 1, "gpuType": "mig-1g.10gb"}),
    "on spot nodes, in a queue": (SPOT_PROFILE, {"gpus": 2}),
    "with a Secret and an image": (
        PROFILE,
        {"image": "ghcr.io/team/train:1", "secretRef": {"name": "wandb"}},
    ),
    "as a sweep": (PROFILE, {"gpus": 1, "sweep": SWEEP}),
    "until a deadline": (PROFILE, {"activeDeadlineSeconds": 3600, "ttlSecondsAfterFinished": 60}),
}


def workflow(profile: Profile, spec: Body) -> Body:
    """The Workflow of the run of ``builders`` with other fields."""
    body = b.run()
    body["spec"] |= spec
    settings = Settings(store="s3://artifacts/mlplane", profile=profile)
    return argo.workflow_for_run(TrainingRun.model_validate(body), b.run_task(body), 1, settings)


def workflows() -> dict[str, Body]:
    """All of them, by what is special about them."""
    return {f"Workflow of a run {name}": workflow(*case) for name, case in CASES.items()}


def pods_of(rendered: Body) -> list[Body]:
    """A pod for each template that has a container, as Argo makes it of template and Workflow."""
    spec = rendered["spec"]
    return [_pod(rendered, spec, template) for template in spec["templates"] if "container" in template]


def _pod(rendered: Body, spec: Body, template: Body) -> Body:
    placed = {name: template[name] for name in ("nodeSelector", "tolerations") if name in template}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{rendered['metadata']['name']}-{template['name']}",
            "labels": spec["podMetadata"]["labels"] | template.get("metadata", {}).get("labels", {}),
        },
        "spec": placed
        | {
            "restartPolicy": "Never",
            "serviceAccountName": spec["serviceAccountName"],
            "automountServiceAccountToken": spec["automountServiceAccountToken"],
            "securityContext": spec["securityContext"],
            "volumes": [*spec["volumes"], *template.get("volumes", ())],
            "containers": [template["container"] | {"name": "main"}],
        },
    }
