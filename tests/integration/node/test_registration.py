"""The node as an object of the cluster: it is there, it lives, and it comes back after it was lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from faults.processes import answers, eventually
from mlplane.cluster.kube import connect
from mlplane.local.node import registration
from mlplane.local.node.registration import LEASE, NODE, keep_registered


@pytest.fixture
async def cluster(server, monkeypatch) -> AsyncIterator:
    monkeypatch.setattr(registration, "RENEW_S", 0.1)
    async with connect(server[1]) as cluster:
        await eventually(lambda: answers(cluster), "the API server answers", 20)
        node = asyncio.create_task(keep_registered(cluster))
        yield cluster
        node.cancel()


async def is_ready(cluster) -> bool:
    conditions = ((await cluster.get(NODE)) or {}).get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


async def renewed(cluster) -> str:
    return ((await cluster.get(LEASE)) or {}).get("spec", {}).get("renewTime", "")


async def test_the_node_is_ready_and_renews_its_lease(cluster):
    await eventually(lambda: is_ready(cluster), "the node is ready", 20)
    await eventually(lambda: renewed(cluster), "there is a Lease", 20)
    before = await cluster.get(LEASE)
    node = await cluster.get(NODE)
    assert before["spec"]["holderIdentity"] == NODE.name
    assert before["metadata"]["ownerReferences"][0]["uid"] == node["metadata"]["uid"]
    assert node["spec"]["taints"][0]["effect"] == "NoSchedule"
    first = before["spec"]["renewTime"]

    async def is_renewed() -> bool:
        return await renewed(cluster) > first

    await eventually(is_renewed, "the Lease is renewed", 20)
    # What has not changed is not written again.
    assert (await cluster.get(NODE))["metadata"]["resourceVersion"] == node["metadata"]["resourceVersion"]


async def test_a_node_that_was_taken_for_lost_or_deleted_comes_back(cluster):
    await eventually(lambda: is_ready(cluster), "the node is ready", 20)
    lost = [{"type": "Ready", "status": "Unknown", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}]
    await cluster.patch(NODE, {"status": {"conditions": lost}}, manager="test", subresource="status")
    await eventually(lambda: is_ready(cluster), "the node is ready", 20)
    await cluster.delete(NODE)
    await eventually(lambda: is_ready(cluster), "the node is ready", 20)
