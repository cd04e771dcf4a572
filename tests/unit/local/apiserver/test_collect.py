"""What the collector does that no kubectl command waits for."""

import asyncio
import time

import pytest

from mlplane.local.apiserver import collect, finishing, metadata
from mlplane.local.apiserver.kinds import EVENTS

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


async def eventually(ask, what):
    deadline = time.monotonic() + 10
    while not (answer := await ask()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)
    return answer


def owned_by(*owners):
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]}
        for o in owners
    ]
    return {"ownerReferences": references}


async def config_map(api, name, namespace="default", **meta):
    path = CONFIG_MAPS.replace("default", namespace)
    return await api.ok("POST", path, {"metadata": {"name": name, **meta}})


async def names(api):
    return [item["metadata"]["name"] for item in (await api.ok("GET", CONFIG_MAPS))["items"]]


async def is_gone(api, name):
    return (await api.ask("GET", f"{CONFIG_MAPS}/{name}"))[0] == 404


async def test_an_object_stays_while_one_owner_is_left(api):
    first, second = await config_map(api, "first"), await config_map(api, "second")
    await config_map(api, "child", **owned_by(first, second))
    await config_map(api, "witness", **owned_by(first))
    await api.ok("DELETE", f"{CONFIG_MAPS}/first")
    await eventually(lambda: is_gone(api, "witness"), "the witness is collected")
    assert await names(api) == ["child", "second"]
    await api.ok("DELETE", f"{CONFIG_MAPS}/second")
    await eventually(lambda: is_gone(api, "child"), "the child is collected")


async def test_an_owner_in_another_namespace_is_no_owner(api):
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "else"}})
    far = await config_map(api, "far", "else")
    await config_map(api, "child", **owned_by(far))
    await eventually(lambda: is_gone(api, "child"), "the child is collected")


async def test_a_finalizer_of_a_dependent_is_respected(api):
    owner = await config_map(api, "owner")
    await config_map(api, "child", finalizers=["x/y"], **owned_by(owner))
    await api.ok("DELETE", f"{CONFIG_MAPS}/owner")

    async def marked():
        return (await api.ok("GET", f"{CONFIG_MAPS}/child"))["metadata"].get("deletionTimestamp")

    await eventually(marked, "the child is marked")
    await api.merge(f"{CONFIG_MAPS}/child", {"metadata": {"finalizers": None}})
    assert await is_gone(api, "child")


async def test_a_namespace_with_much_in_it_goes(api):
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "full"}})
    await asyncio.gather(*(config_map(api, f"c{n}", "full") for n in range(finishing._AT_ONCE + 50)))
    await api.ok("DELETE", "/api/v1/namespaces/full")

    async def gone():
        return (await api.ask("GET", "/api/v1/namespaces/full"))[0] == 404

    await eventually(gone, "the namespace is gone")
    assert api.server.store.rows(("", "configmaps"), "full") == []


async def test_what_failed_is_tried_again(api, monkeypatch, caplog):
    monkeypatch.setattr(collect, "_SWEEP_SECONDS", 0.05)
    real, calls = collect.deletion.delete, []

    async def delete(*arguments):
        calls.append(arguments)
        if len(calls) < 3:
            raise RuntimeError("not now")
        return await real(*arguments)

    monkeypatch.setattr(collect.deletion, "delete", delete)
    await config_map(api, "child", **owned_by({"metadata": {"name": "ghost", "uid": "ghost"}}))
    # The collector's wait began before the shorter interval: another change wakes it.
    await config_map(api, "other")

    async def collected():
        await api.merge(f"{CONFIG_MAPS}/other", {"data": {"tick": str(time.monotonic())}})
        return await is_gone(api, "child")

    await eventually(collected, "the child is collected at last")
    assert "not now" in caplog.text


async def test_old_events_are_removed_and_young_ones_kept(api, monkeypatch):
    events = "/api/v1/namespaces/default/events"
    body = {"involvedObject": {"kind": "Pod", "name": "p"}, "reason": "R"}
    real = metadata.timestamp
    monkeypatch.setattr(metadata, "timestamp", lambda offset=0.0: real(offset - 2 * collect.EVENT_SECONDS))
    await api.ok("POST", events, body | {"metadata": {"name": "old"}})
    monkeypatch.setattr(metadata, "timestamp", real)
    await api.ok("POST", events, body | {"metadata": {"name": "young"}})
    collector = collect.Collector(api.server.objects, api.server.registry)
    await collector.begin()
    assert [row.key.name for row in api.server.store.rows(EVENTS)] == ["young"]


@pytest.mark.parametrize("policy", ["Foreground", "Orphan"])
async def test_a_policy_without_dependents_ends_at_once(api, policy):
    await config_map(api, "alone")
    answer = await api.ok("DELETE", f"{CONFIG_MAPS}/alone", {"propagationPolicy": policy})
    assert answer["metadata"]["finalizers"] == [
        {"Foreground": "foregroundDeletion", "Orphan": "orphan"}[policy]
    ]
    await eventually(lambda: is_gone(api, "alone"), "it is gone")
