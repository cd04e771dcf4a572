"""Each way in which a run fails or stalls, on a running plane: its reason, its class, and what to do.

Pods that are taken away again and again, and what only a cluster does (eviction, preemption by priority), are
in ``tests/unit``: on Workflows as Argo writes them.
"""

import json
from pathlib import Path

import pytest
import yaml

from plane import Plane, commit, eventually, git, make_repository, running

pytestmark = pytest.mark.timeout(300)

PROFILE = {
    "pendingDeadlineSeconds": 3,
    # A device that no machine has.
    "pools": [{"name": "only", "gpuResource": "example.com/gpu", "gpusPerNode": 2}],
}
SCRIPTS = {
    "broken.py": "raise RuntimeError('out of luck')",
    "hungry.py": "import time\nkept = b'1' * (900 << 20)\ntime.sleep(100)",
    "secret.py": "import os, sys\nsys.exit(f'the key has {len(os.environ[\"WANDB_KEY\"])} characters')",
}
MEMORY = "600Mi"


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    """Not started; its repository holds scripts that fail, and its profile one pool."""
    home = tmp_path / "home"
    home.mkdir()
    repository = make_repository(tmp_path / "digits", home)
    for name, text in SCRIPTS.items():
        (repository / "train" / name).write_text(text)
    commit(repository, home, "Fail in many ways")
    profile = tmp_path / "profile.yaml"
    profile.write_text(yaml.safe_dump(PROFILE))
    followed = ("--repo", str(repository), "--path", "none", "--revision", "main")
    return Plane(tmp_path / "state", home, (*followed, "--profile", str(profile)))


def apply(plane: Plane, repository: Path, name: str, **spec) -> None:
    """A run of the example with other fields."""
    body = yaml.safe_load((repository / "dev/trainingrun.yaml").read_text())
    body["metadata"]["name"] = name
    body["spec"]["code"]["git"]["commit"] = git(repository, plane.home, "rev-parse", "HEAD")
    evaluation = body["spec"]["evaluation"] | spec.pop("evaluation", {})
    body["spec"] |= spec | {"evaluation": evaluation}
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))


def stalled(plane: Plane, name: str) -> tuple[str, str | None, str]:
    """Reason, class and message of a run that has stalled or failed, once it has."""
    plane.wait_for("trainingrun", name, "Stalled")
    ready = plane.condition("trainingrun", name, "Ready")
    return ready["reason"], plane.object("trainingrun", name)["status"].get("failureClass"), ready["message"]


def test_each_failure_says_what_it_is_and_what_to_do(plane: Plane, tmp_path: Path):
    repository = tmp_path / "digits"
    with running(plane):
        plane.kubectl("apply", "-f", str(repository / "dev/dataset.yaml"))
        apply(plane, repository, "too-large", gpus=8)
        apply(plane, repository, "no-secret", entrypoint="secret.py", secretRef={"name": "wandb"})
        apply(plane, repository, "no-image", image="ghcr.io/elsewhere/train:1")
        apply(plane, repository, "no-gpu", gpus=2)
        apply(plane, repository, "broken", entrypoint="broken.py")
        apply(plane, repository, "hungry", entrypoint="hungry.py", memory=MEMORY)
        apply(plane, repository, "no-label", evaluation={"label": "nothing"})

        reason, _, message = stalled(plane, "too-large")
        assert reason == "NoSuchCapacity"
        assert "asks for 8 GPUs, the largest pool has 2 on a node: write a smaller spec.gpus" in message

        reason, class_, message = stalled(plane, "no-secret")
        assert (reason, class_) == ("SecretMissing", "User")
        assert (
            'step preflight has not started: CreateContainerConfigError: secret "wandb" not found' in message
        )
        assert "create the Secret with the keys that the script needs, and the run goes on" in message
        secret = ("create", "secret", "generic", "wandb", "--from-literal=WANDB_KEY=topsecret")
        plane.kubectl(*secret)

        reason, class_, message = stalled(plane, "no-image")
        assert (reason, class_) == ("ImagePullFailed", "System")
        assert "step preflight has not started: ErrImagePull" in message
        assert "make the image available to the nodes" in message

        reason, class_, message = stalled(plane, "no-gpu")
        assert (reason, class_) == ("Unschedulable", "System")
        wanted = "0/1 nodes are available: 1 Insufficient example.com/gpu."
        assert f"step train has not started: Unschedulable: {wanted} (for 3 seconds)" in message
        assert plane.object("trainingrun", "no-gpu")["status"]["resolved"]["pool"] == "only"

        reason, class_, message = stalled(plane, "broken")
        assert (reason, class_) == ("RunFailed", "User")
        assert "script broken.py failed with exit code 1" in message
        assert "correct the code or the parameters, then create a run with another name" in message

        reason, class_, message = stalled(plane, "no-label")
        assert (reason, class_) == ("RunFailed", "Data")
        assert "label 'nothing' is no single" in message
        assert "correct the Dataset, or what the run asks of it" in message

        reason, class_, message = stalled(plane, "hungry")
        assert (reason, class_) == ("RunFailed", "User")
        assert "OOMKilled (exit code 137)" in message
        assert "raise spec.memory or use smaller batches" in message

        # The one with the Secret has gone on by itself, and failed by its own script.
        eventually(lambda: plane.condition("trainingrun", "no-secret", "Failed"), "the script has run")
        log = plane.mlplane("logs", "no-secret", "--step", "train").stdout
        assert "the key has 9 characters" in log
        every = plane.kubectl("get", "trainingruns,workflows,events", "-o", "yaml").stdout
        assert "topsecret" not in every
