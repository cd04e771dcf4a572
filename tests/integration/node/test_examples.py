"""Argo's published examples as Workflows of real processes: those inside the subset run, others are refused.

The files have the names of Argo's; ``phases.yaml`` says what has to become of them.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

Body = dict[str, Any]
EXAMPLES = Path(__file__).parent / "examples"
EXPECTED: dict[str, Body] = yaml.safe_load((EXAMPLES / "phases.yaml").read_text())
OVER = ("Succeeded", "Failed", "Error")
REFUSED = {
    "artifact-passing": "spec.templates[0].steps[1][0].arguments.artifacts: this field is not supported",
    "memoize-simple": "spec.templates[0].memoize: this field is not supported",
    "sidecar": "spec.templates[0].sidecars: this field is not supported",
    "volumes-pvc": "spec.volumeClaimTemplates: this field is not supported",
    "workflow-of-workflows": "spec.templates[1].resource: this field is not supported",
}

pytestmark = pytest.mark.timeout(240)


def example(path: Path) -> Body:
    body: Body = yaml.safe_load(path.read_text())
    body["metadata"]["namespace"] = "node-test"
    return body


def phases(status: Body) -> dict[str, str]:
    """Type and phase of each node by its displayName, which is unique in these examples."""
    nodes = status.get("nodes", {}).values()
    found = {node["displayName"]: f"{node['type']} {node['phase']}" for node in nodes}
    assert len(found) == len(nodes)
    return found


async def resume_when_it_waits(world: Any) -> None:
    """What ``argo resume`` does: the suspended node becomes Succeeded."""
    waiting = await world.until(
        lambda: world.node("suspend-template", "[1].approve"),
        lambda node: node.get("phase") == "Running",
        120,
    )
    node = {"phase": "Succeeded", "message": "Resumed", "finishedAt": waiting["startedAt"]}
    await world.change("Workflow", "suspend-template", {"status": {"nodes": {waiting["id"]: node}}})


async def test_examples_that_lie_inside_the_subset_end_as_they_do_on_argo(world):
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} - {"phases"} == set(EXPECTED)
    world.start()
    for name in EXPECTED:
        assert await world.cluster.create(example(EXAMPLES / f"{name}.yaml"), manager="test")
    await resume_when_it_waits(world)
    bodies = await asyncio.gather(
        *(world.phase("Workflow", name.lower(), *OVER, seconds=200) for name in EXPECTED)
    )
    for (name, want), body in zip(EXPECTED.items(), bodies, strict=True):
        status = body["status"]
        root = status["nodes"][body["metadata"]["name"]]
        assert phases(status) == want["nodes"], (name, status.get("message"))
        assert status["phase"] == root["phase"]
        if "message" in want:
            assert status["message"] == want["message"]
        assert status.get("message", "").startswith(want.get("message_begins", ""))
        outputs = {each["name"]: each["value"] for each in root.get("outputs", {}).get("parameters", ())}
        assert outputs == want.get("outputs", {})


async def test_examples_outside_the_subset_are_refused_at_once_naming_the_field(world):
    assert {path.stem for path in (EXAMPLES / "refused").glob("*.yaml")} == set(REFUSED)
    world.start()
    for name in REFUSED:
        assert await world.cluster.create(example(EXAMPLES / "refused" / f"{name}.yaml"), manager="test")
    for name, why in REFUSED.items():
        body = await world.phase("Workflow", name, "Error", "Succeeded", "Failed")
        assert (body["status"]["phase"], body["status"].get("nodes")) == ("Error", None)
        assert why in body["status"]["message"]
        assert await world.cluster.list(world.pods_of(name)) == []
