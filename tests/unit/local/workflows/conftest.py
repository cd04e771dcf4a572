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

    def step(self, violations: tuple[str, ...] = (), *, is_killed: bool = False) -> Body:
        """One pass; an engine that is killed has made its Pods and not written its status."""
        self.clock += 1
        self.last = advance(self.workflow, self.pods, list(violations), self.now())
        for pod in self.last.create:
            self.pods[pod["metadata"]["name"]] = PodState(pod | {"status": {"phase": "Pending"}})
        if not is_killed:
            self.workflow = deepcopy(self.workflow) | {"status": deepcopy(self.last.status)}
        return self.last.status

    def now(self, after: int = 0) -> str:
        """The time, or so many seconds after it."""
        minutes, seconds = divmod(self.clock + after, 60)
        return f"2026-01-01T00:{minutes:02d}:{seconds:02d}Z"

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

    def becomes(
        self,
        node_name: str,
        status: Body,
        files: Body | None = None,
        progress: str = "",
        stdout: str | None = None,
    ) -> None:
        body = self.pod(node_name) | {"status": status}
        paths = {f"/mnt/mlplane/out/{k}": v for k, v in (files or {}).items()}
        self.pods[body["metadata"]["name"]] = PodState(body, paths, {}, progress, stdout)

    def runs(self, node_name: str, progress: str = "") -> None:
        self.becomes(node_name, {"phase": "Running"}, progress=progress)

    def ends(
        self,
        node_name: str,
        code: int = 0,
        *,
        at: str = "2026-01-01T00:00:59Z",
        stdout: str | None = None,
        **files: str,
    ) -> None:
        ended = {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "finishedAt": at,
        }
        containers = [{"name": "main", "state": {"terminated": ended}}]
        self.becomes(
            node_name,
            {"phase": "Failed" if code else "Succeeded", "containerStatuses": containers},
            files,
            stdout=stdout,
        )

    def all_end(self, **codes: int) -> None:
        """End all Pods that run, and go on until nothing more begins; codes by the displayName of nodes."""
        while True:
            self.step()
            names = [
                n["name"] for n in self.nodes() if n["type"] == "Pod" and n["phase"] in ("Pending", "Running")
            ]
            names = [name for name in names if self.has_pod(name)]
            if not names:
                return
            for name in names:
                shown = next(n["displayName"] for n in self.nodes() if n["name"] == name)
                self.ends(name, codes.get(shown, 0), at=self.now())

    def has_pod(self, node_name: str) -> bool:
        key = "workflows.argoproj.io/node-name"
        return any(p.body["metadata"]["annotations"][key] == node_name for p in self.pods.values())

    def nodes(self) -> list[Body]:
        return list(self.workflow["status"]["nodes"].values())

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


@pytest.fixture
def make_dag() -> Callable[..., Body]:
    """A Workflow of one DAG, whose tasks all call a container template ``t`` unless they say otherwise."""

    def make(*tasks: Body, dag: Body | None = None, templates: tuple[Body, ...] = (), **spec: Any) -> Body:
        made = workflow([], container("t"), *templates, **spec)
        made["spec"]["templates"][0] = {
            "name": "main",
            "dag": {"tasks": [{"template": "t", **task} for task in tasks], **(dag or {})},
        }
        return made

    return make
