"""What the collector does that no kubectl command waits for."""

import asyncio
import time

import pytest

from mlplane.local.apiserver import collect, finishing, metadata, owners
from mlplane.local.apiserver.kinds import EVENTS

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


async def eventually(ask, what):
    deadline = time.monotonic() + 10
    while not (answer := await ask()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)
    return answer


def owned_by(*owners, **more):
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            **more,
        }
        for owner in owners
    ]
    return {"ownerReferences": references}


async def owners_of(api, name):
    meta = (await api.ok("GET", f"{CONFIG_MAPS}/{name}"))["metadata"]
    return [owner["name"] for owner in meta.get("ownerReferences", ())]


async def settled(api):
    """Wait until the collector has looked at everything written before."""
    ghost = owned_by({"metadata": {"name": "ghost", "uid": "no-such-uid"}})
    await config_map(api, "last", **ghost)
    await eventually(lambda: is_gone(api, "last"), "the collector is done")


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
    real, calls = owners.Owners.judge, []

    async def judge(*arguments):
        calls.append(arguments)
        if len(calls) < 3:
            raise RuntimeError("not now")
        return await real(*arguments)

    monkeypatch.setattr(owners.Owners, "judge", judge)
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


async def test_a_reference_to_an_owner_that_is_gone_is_dropped_while_another_is_left(api):
    first, second = await config_map(api, "first"), await config_map(api, "second")
    await config_map(api, "child", **owned_by(first, second))
    await api.ok("DELETE", f"{CONFIG_MAPS}/first")
    await settled(api)
    assert await owners_of(api, "child") == ["second"]


async def test_a_foreground_deletion_spares_what_another_owner_keeps(api):
    first, second = await config_map(api, "first"), await config_map(api, "second")
    await config_map(api, "child", **owned_by(first, second, blockOwnerDeletion=True))
    await api.ok("DELETE", f"{CONFIG_MAPS}/first", {"propagationPolicy": "Foreground"})
    await eventually(lambda: is_gone(api, "first"), "the owner is gone")
    assert await owners_of(api, "child") == ["second"]


async def test_a_foreground_deletion_waits_for_what_blocks_it_and_for_nothing_else(api):
    owner = await config_map(api, "owner")
    await config_map(api, "blocks", finalizers=["x/y"], **owned_by(owner, blockOwnerDeletion=True))
    await config_map(api, "free", finalizers=["x/y"], **owned_by(owner))
    await api.ok("DELETE", f"{CONFIG_MAPS}/owner", {"propagationPolicy": "Foreground"})
    await settled(api)
    waiting = (await api.ok("GET", f"{CONFIG_MAPS}/owner"))["metadata"]
    assert waiting["finalizers"] == ["foregroundDeletion"]
    assert (await api.ok("GET", f"{CONFIG_MAPS}/free"))["metadata"]["deletionTimestamp"]
    await api.merge(f"{CONFIG_MAPS}/blocks", {"metadata": {"finalizers": None}})
    await eventually(lambda: is_gone(api, "owner"), "the owner is gone")
    assert await names(api) == ["free"]


async def test_a_dependent_that_leaves_its_owner_is_waited_for_no_longer(api):
    owner = await config_map(api, "owner")
    await config_map(api, "child", finalizers=["x/y"], **owned_by(owner, blockOwnerDeletion=True))
    await api.ok("DELETE", f"{CONFIG_MAPS}/owner", {"propagationPolicy": "Foreground"})
    await settled(api)
    await api.merge(f"{CONFIG_MAPS}/child", {"metadata": {"ownerReferences": None}})
    await eventually(lambda: is_gone(api, "owner"), "the owner is gone")


async def test_owners_in_a_circle_do_not_wait_for_each_other(api):
    first = await config_map(api, "first")
    second = await config_map(api, "second", **owned_by(first, blockOwnerDeletion=True))
    await api.merge(f"{CONFIG_MAPS}/first", {"metadata": owned_by(second, blockOwnerDeletion=True)})
    await api.ok("DELETE", f"{CONFIG_MAPS}/first", {"propagationPolicy": "Foreground"})
    await eventually(lambda: is_gone(api, "first"), "the first is gone")
    await eventually(lambda: is_gone(api, "second"), "the second is gone")


async def test_another_object_under_the_name_of_an_owner_is_no_owner(api):
    owner = await config_map(api, "owner")
    other = {"metadata": {"name": "owner", "uid": "11111111-1111-1111-1111-111111111111"}}
    await config_map(api, "child", **owned_by(other))
    await eventually(lambda: is_gone(api, "child"), "the child is collected")
    assert owner["metadata"]["name"] in await names(api)


async def test_an_object_stays_while_the_kind_of_its_owner_is_not_known(api, make_definition):
    unknown = {"apiVersion": "shop.example.com/v1", "kind": "Gadget", "name": "g", "uid": "u"}
    await config_map(api, "child", ownerReferences=[unknown])
    await settled(api)
    assert await names(api) == ["child"]
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.ok("POST", crds, make_definition("gadgets", "Gadget"))
    await api.merge(f"{CONFIG_MAPS}/child", {"data": {"looked": "at again"}})
    await eventually(lambda: is_gone(api, "child"), "the child is collected")


async def test_an_owner_outside_of_all_namespaces_is_an_owner(api):
    namespace = await api.ok("GET", "/api/v1/namespaces/default")
    await config_map(api, "child", **owned_by(namespace, kind="Namespace"))
    await settled(api)
    assert await names(api) == ["child"]


async def test_what_belongs_to_no_namespace_is_not_collected_for_an_owner_in_one(api):
    far = await config_map(api, "far")
    await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n", **owned_by(far)}})
    await settled(api)
    assert (await api.ask("GET", "/api/v1/nodes/n"))[0] == 200


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ("Foreground", None, ["foregroundDeletion"]),
        ("Foreground", "Orphan", ["orphan"]),
        ("Orphan", "Background", None),
    ],
)
async def test_a_later_policy_replaces_an_earlier_one(api, first, second, left):
    """In one step each, before the collector sees it."""
    await config_map(api, "held", finalizers=["x/y"])
    api.server.store._publish = lambda _: None  # the collector hears nothing
    await api.ok("DELETE", f"{CONFIG_MAPS}/held", {"propagationPolicy": first})
    body = {"propagationPolicy": second} if second else None
    answer = await api.ok("DELETE", f"{CONFIG_MAPS}/held", body)
    assert answer["metadata"]["finalizers"] == ["x/y", *(left or ())]
