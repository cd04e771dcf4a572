"""Which requests a profile can never satisfy."""

import pytest

import builders as b
from mlplane.api import TrainingRun
from mlplane.api.pools import pool_for, shortage
from mlplane.capacity import Profile

PROFILE = Profile.model_validate(
    {
        "pools": [
            {"name": "a", "gpuType": "a100", "gpusPerNode": 2},
            {"name": "h", "gpuType": "h100", "gpusPerNode": 4},
            {"name": "m", "gpuType": "mig", "gpuResource": "nvidia.com/mig-1g.10gb", "gpusPerNode": 7},
        ]
    }
)


def spec(**fields):
    return TrainingRun.model_validate(b.run() | {"spec": b.run()["spec"] | fields}).spec


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"gpus": 8, "gpuType": "h100"}, "asks for 8 x h100, the largest pool has 4 on a node"),
        ({"gpus": 5}, "asks for 5 GPUs, the largest pool has 4 on a node"),
        (
            {"gpus": 2, "gpuType": "mig"},
            "asks for 2 x mig, which are parts of GPUs (MIG), and a run can use one of them",
        ),
        ({"gpus": 1, "gpuType": "h200"}, "asks for 1 x h200, and no pool has that type"),
    ],
)
def test_a_request_that_no_pool_can_satisfy_is_said_with_what_there_is(asked, said):
    assert shortage(spec(**asked), PROFILE).startswith(said)
    assert pool_for(spec(**asked), PROFILE) is None


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"gpus": 0},
        {"gpus": 4},
        {"gpus": 2, "gpuType": "a100"},
        {"gpus": 4, "gpuType": "h100"},
        {"gpus": 1, "gpuType": "mig"},
    ],
)
def test_a_request_that_fits_is_not_spoken_of(asked):
    assert shortage(spec(**asked), PROFILE) == ""


def test_without_pools_nothing_is_known_to_be_missing():
    assert shortage(spec(gpus=64, gpuType="h100"), Profile()) == ""
    assert shortage(spec(gpus=64), Profile(gpus_on_cpu=True)) == ""
