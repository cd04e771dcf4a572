"""What of the operator's profile comes into the Workflow of a run."""

import pytest

import builders as b
from mlplane.adapters import argo
from mlplane.adapters.workflowoutcome import pool_of
from mlplane.api import TrainingRun
from mlplane.capacity import Profile
from mlplane.settings import Settings

PROFILE = {
    "queue": "ml",
    "pools": [
        {"name": "small", "gpuType": "a100", "gpusPerNode": 4, "cpu": 8, "memory": "64Gi"},
        {
            "name": "large",
            "gpuType": "a100",
            "gpusPerNode": 8,
            "sharedMemory": "16Gi",
            "nodeSelector": {"gpu": "a100"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        },
        {"name": "slices", "gpuType": "mig", "gpuResource": "nvidia.com/mig-1g.10gb", "gpusPerNode": 7},
    ],
}


def rendered(profile=PROFILE, **spec):
    """The Workflow, and its templates by name."""
    body = b.run()
    body["spec"] |= spec
    settings = Settings(store="s3://store", profile=Profile.model_validate(profile))
    made = argo.workflow_for_run(TrainingRun.model_validate(body), b.run_task(body), 1, settings)
    return made, {template["name"]: template for template in made["spec"]["templates"]}


def test_only_the_step_that_trains_asks_for_anything():
    _, templates = rendered(gpus=8, gpuType="a100", secretRef={"name": "wandb"}, cpu=4, memory="32Gi")
    train = templates.pop("train")
    assert train["container"]["resources"] == {
        "limits": {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "8"}
    }
    assert train["nodeSelector"] == {"gpu": "a100"}
    assert train["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert train["volumes"] == [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}]
    assert {"name": "shm", "mountPath": "/dev/shm"} in train["container"]["volumeMounts"]
    assert train["metadata"] == {
        "labels": {"kueue.x-k8s.io/queue-name": "ml", "mlplane.dev/pool": "large"},
    }
    for template in templates.values():
        assert {"nodeSelector", "tolerations", "volumes", "metadata"} & template.keys() == set()
        assert "resources" not in template.get("container", {})


def test_a_script_is_told_how_many_gpus_it_must_find():
    _, templates = rendered(gpus=2)
    told = {"name": "MLPLANE_GPUS", "value": "2"}
    assert [name for name, t in templates.items() if told in t.get("container", {}).get("env", ())] == [
        "train"
    ]
    _, templates = rendered({"gpusOnCpu": True}, gpus=2)
    assert "MLPLANE_GPUS" not in str(templates)


@pytest.mark.parametrize("asked", [{"gpus": 1}, {"processes": 2}])
def test_who_uses_gpus_or_several_processes_has_shared_memory_whatever_the_profile_says(asked):
    _, templates = rendered({}, **asked)
    assert templates["train"]["volumes"] == [{"name": "shm", "emptyDir": {"medium": "Memory"}}]
    _, templates = rendered({})
    assert "volumes" not in templates["train"]


@pytest.mark.parametrize(
    ("asked", "pool", "resource"),
    [
        ({"gpus": 1}, "small", "nvidia.com/gpu"),
        ({"gpus": 5}, "large", "nvidia.com/gpu"),
        ({"gpus": 1, "gpuType": "mig"}, "slices", "nvidia.com/mig-1g.10gb"),
    ],
)
def test_the_first_pool_that_has_enough_is_taken(asked, pool, resource):
    workflow, templates = rendered(**asked)
    assert pool_of(workflow) == pool
    assert templates["train"]["container"]["resources"]["limits"][resource] == str(asked["gpus"])


def test_a_run_that_names_no_memory_gets_that_of_its_pool():
    _, templates = rendered(gpus=1, cpu="500m")
    assert templates["train"]["container"]["resources"]["limits"] == {
        "cpu": "500m",
        "memory": "64Gi",
        "nvidia.com/gpu": "1",
    }


def test_a_run_without_gpus_is_in_no_pool():
    workflow, templates = rendered()
    assert pool_of(workflow) is None
    assert "resources" not in templates["train"]["container"]
    assert templates["train"]["metadata"] == {"labels": {"kueue.x-k8s.io/queue-name": "ml"}}


def test_without_pools_any_gpu_will_do():
    _, templates = rendered({}, gpus=2, gpuType="h100")
    assert templates["train"]["container"]["resources"] == {"limits": {"nvidia.com/gpu": "2"}}
    assert "metadata" not in templates["train"]


def test_a_plane_without_gpus_may_train_on_the_cpu():
    _, templates = rendered({"gpusOnCpu": True}, gpus=2)
    assert "resources" not in templates["train"]["container"]


def test_image_and_secret_of_a_run_are_for_its_code_alone():
    _, templates = rendered(image="team/train:1", secretRef={"name": "wandb"})
    with_both = {
        name
        for name, template in templates.items()
        if "envFrom" in template.get("container", {}) and template["container"]["image"] == "team/train:1"
    }
    assert with_both == {"preflight", "train"}
    assert templates["train"]["container"]["envFrom"] == [
        {"prefix": "MLPLANE_SCRIPT_", "secretRef": {"name": "wandb"}}
    ]
    assert templates["evaluate"]["container"]["image"] == Settings(store="").image


@pytest.mark.parametrize(
    ("profile", "spec", "without"),
    [
        (PROFILE, {"image": "team/train:1"}, {"preflight", "train"}),
        (PROFILE, {"image": "team/train:1", "gpus": 1}, {"preflight"}),
        ({"gpusOnCpu": True}, {"image": "team/train:1", "gpus": 1}, {"preflight", "train"}),
        (PROFILE, {"gpus": 1}, set()),
    ],
)
def test_an_image_of_the_users_sees_gpus_only_where_it_asks_for_them(profile, spec, without):
    _, templates = rendered(profile, **spec)
    none = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}
    containers = {name: template.get("container", {}) for name, template in templates.items()}
    assert {name for name, container in containers.items() if none in container.get("env", ())} == without


def test_the_trials_of_a_sweep_train_where_a_run_would():
    sweep = {
        "method": "Grid",
        "parameters": [{"name": "batch", "values": [16, 32]}],
        "objective": {"metric": "accuracy", "goal": "Maximize"},
    }
    workflow, templates = rendered(gpus=1, sweep=sweep)
    assert pool_of(workflow) == "small"
    assert templates["train"]["container"]["resources"]["limits"]["nvidia.com/gpu"] == "1"
