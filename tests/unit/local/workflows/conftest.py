"""A Workflow like those that the controller renders, and a world of Pods that a test plays through."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from mlplane.local.workflows.podstates import PodState
from mlplane.local.workflows.progress import Advance, advance

Body = dict[str, Any]


def container(name: str, *outputs: Body, inputs: tuple[Any, ...] = (), retry: Body | None = None) -> Body:
    template: Body = {
        "name": name,
        "container": {"image": "ghcr.io/mlplane/runtime:1", "command": ["python"], "args": [name]},
        "outputs": {"parameters": list(outputs)},
    }
    if inputs:
        template["inputs"] = {"parameters": [i if isinstance(i, dict) else {"name": i} for i in inputs]}
        template["container"]["args"] += [
            f"--{p['name']}={{{{inputs.parameters.{p['name']}}}}}" for p in template["inputs"]["parameters"]
        ]
    return template | ({"retryStrategy": retry} if retry else {})


def output(name: str, **more: str) -> Body:
    return {"name": name, "valueFrom": {"path": f"/mnt/mlplane/out/{name}", **more}}


def workflow(groups: list[list[Body]], *templates: Body, **spec: Any) -> Body:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "wf", "namespace": "default", "uid": "u1"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "steps": groups}, *templates], **spec},
    }


def training(retry: Body | None = None) -> Body:
    """Preflight, training unless cached, evaluation of whatever model there is."""
    model = "{{steps.train.outputs.parameters.model}}"
    return workflow(
        [
            [{"name": "preflight", "template": "preflight"}],
            [
                {
                    "name": "train",
                    "template": "train",
                    "when": "{{steps.preflight.outputs.parameters.cached}} == false",
                }
            ],
            [
                {
                    "name": "evaluate",
                    "template": "evaluate",
                    "arguments": {"parameters": [{"name": "model", "value": model}]},
                }
            ],
        ],
        container("preflight", output("cached"), retry=retry),
        container("train", output("model", default=""), retry=retry),
        container("evaluate", output("report"), inputs=("model",), retry=retry),
    )


@dataclass
class World:
    """Plays a Workflow: makes the Pods that are asked for and keeps the status, as the engine does."""

    workflow: Body
    pods: dict[str, PodState] = field(default_factory=dict)
    clock: int = 0
    last: Advance | None = None

    def step(self, violations: tuple[str, ...] = ()) -> Body:
        self.clock += 1
        self.last = advance(self.workflow, self.pods, list(violations), f"2026-01-01T00:00:{self.clock:02d}Z")
        for pod in self.last.create:
            self.pods[pod["metadata"]["name"]] = PodState(pod | {"status": {"phase": "Pending"}})
        self.workflow = deepcopy(self.workflow) | {"status": deepcopy(self.last.status)}
        return self.last.status

    def created(self) -> list[str]:
        """Node names of the Pods that the last step asked for."""
        assert self.last is not None
        return [pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"] for pod in self.last.create]

    def pod(self, node_name: str) -> Body:
        return next(
            p.body
            for p in self.pods.values()
            if p.body["metadata"]["annotations"]["workflows.argoproj.io/node-name"] == node_name
        )

    def becomes(self, node_name: str, status: Body, files: Body | None = None, progress: str = "") -> None:
        body = self.pod(node_name) | {"status": status}
        paths = {f"/mnt/mlplane/out/{k}": v for k, v in (files or {}).items()}
        self.pods[body["metadata"]["name"]] = PodState(body, paths, {}, progress)

    def runs(self, node_name: str, progress: str = "") -> None:
        self.becomes(node_name, {"phase": "Running"}, progress=progress)

    def ends(self, node_name: str, code: int = 0, **files: str) -> None:
        ended = {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "finishedAt": "2026-01-01T00:00:59Z",
        }
        containers = [{"name": "main", "state": {"terminated": ended}}]
        self.becomes(
            node_name, {"phase": "Failed" if code else "Succeeded", "containerStatuses": containers}, files
        )

    def is_lost(self, node_name: str, reason: str = "NodeLost") -> None:
        self.becomes(node_name, {"phase": "Failed", "reason": reason, "message": "it was lost"})

    def node(self, name: str) -> Body:
        return next(n for n in self.workflow["status"]["nodes"].values() if n["name"] == name)

    def names(self) -> dict[str, str]:
        """Type and phase of every node."""
        return {n["name"]: f"{n['type']} {n['phase']}" for n in self.workflow["status"]["nodes"].values()}


@pytest.fixture
def make_world() -> Callable[..., World]:
    return World


@pytest.fixture
def make_training() -> Callable[..., Body]:
    return training


@pytest.fixture
def make_workflow() -> Callable[..., Body]:
    return workflow


@pytest.fixture
def make_container() -> Callable[..., Body]:
    return container


@pytest.fixture
def make_output() -> Callable[..., Body]:
    return output
