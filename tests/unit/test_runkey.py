"""What is part of a run's key, and what is not."""

import pytest

import builders as b
from mlplane.runkey import run_key
from mlplane.tasks import RunTask

TREE = "f" * 40


def key_of(
    tree: str = TREE, image: str | None = None, splits: list | None = None, spec_image=None, **spec
) -> str:
    task = b.run_task(b.run()).to_body()
    task["spec"] |= spec | ({"image": spec_image} if spec_image else {})
    task["image"] = image or task["image"]
    task["splits"] = splits or task["splits"]
    return run_key(RunTask.model_validate(task), tree)


SAME = key_of()
GATES = [{"metric": "accuracy", "min": "0.95"}]
SWEEP = {
    "method": "Grid",
    "parameters": [{"name": "width", "values": [1, 2]}],
    "objective": {"metric": "loss", "goal": "Minimize"},
}
OTHER_SPLITS = [b.SPLITS[0] | {"digest": "sha256:" + "7" * 64}, b.SPLITS[1]]


@pytest.mark.parametrize(
    "change",
    [
        {"tree": "0" * 40},
        {"image": "ghcr.io/mlplane/runtime:9"},
        {"splits": OTHER_SPLITS},
        {"params": {"epochs": 31, "lr": "0.01"}},
        {"seed": 8},
        {"entrypoint": "other.py"},
        {"model": "digits2"},
        {"gpus": 1},
        {"gpus": 1, "gpuType": "h100"},
        {"processes": 2},
        {"rerun": "again"},
        {"sweep": SWEEP},
        {
            "evaluation": {
                "split": "train",
                "label": "label",
                "gates": [{"metric": "accuracy", "min": "0.95"}],
            }
        },
    ],
    ids=[
        "code",
        "image",
        "data",
        "params",
        "seed",
        "entry point",
        "model",
        "GPUs",
        "kind of GPU",
        "processes",
        "rerun",
        "sweep",
        "the split that is withheld",
    ],
)
def test_what_decides_the_result_is_part_of_the_key(change):
    assert key_of(**change) != SAME


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"lr": "0.01", "epochs": "30"}},
        {"code": {"git": {"url": "https://elsewhere.example.com/x", "path": "train", "commit": "9" * 40}}},
        {"evaluation": {"split": "test", "label": "label", "gates": [{"metric": "accuracy", "min": "0.5"}]}},
        {"cpu": 4, "memory": "8Gi", "secretRef": {"name": "keys"}, "activeDeadlineSeconds": 600},
        {"suspend": True, "ttlSecondsAfterFinished": 0},
        {"rerun": ""},
    ],
    ids=[
        "order and type of params",
        "where the same code lies",
        "gates",
        "what a training gets",
        "how long it may last",
        "an empty rerun",
    ],
)
def test_what_does_not_decide_it_is_not(change):
    assert key_of(**change) == SAME


def test_how_many_trials_train_at_a_time_does_not_decide_which_is_the_best():
    assert key_of(sweep=SWEEP | {"parallelism": 4}) == key_of(sweep=SWEEP)
    other = SWEEP | {"objective": {"metric": "loss", "goal": "Maximize"}}
    assert key_of(sweep=other) != key_of(sweep=SWEEP)


def test_an_image_counts_as_written_and_code_in_it_by_its_path():
    image = "registry.example.com/team/train@sha256:" + "a" * 64
    assert key_of(image="ghcr.io/mlplane/runtime:9", spec_image=image) == key_of(spec_image=image) != SAME
    assert key_of(tree="image:/app") != key_of(tree="image:/other")


def test_the_key_stays_the_same_over_versions():
    """A change here makes every stored result unfindable: be sure that it is meant."""
    assert SAME == "sha256:85304b38221df4c4b5ffdf32a2ad6539b1643ebc2d2cd24a5f9bf5df4fc4167c"
