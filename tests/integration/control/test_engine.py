"""The engine with a small reconciler of its own, on the real API server."""

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta
from typing import Literal

import pytest

import builders as b
from mlplane import names
from mlplane.adapters.children import owner_reference
from mlplane.api.conditions import of
from mlplane.api.meta import ApiModel, Resource, Status
from mlplane.api.refs import Query, Ref
from mlplane.engine.act import act
from mlplane.engine.loop import Engine
from mlplane.errors import Terminal, Transient
from mlplane.local.bootstrap import bootstrap, objects_for
from mlplane.reconcilers.plan import Plan, Settings
from mlplane.reconcilers.state import Ready, Waiting, conditions

API_VERSION = "tests.mlplane.dev/v1"
SETTINGS = Settings(store="file:///store")


class ThingSpec(ApiModel):
    text: str = ""
    wants: str | None = None
    trouble: str = ""


class ThingStatus(Status):
    fact: str | None = None


class Thing(Resource):
    """Makes a child once, keeps another, and may want a ConfigMap first."""

    api_version: Literal["tests.mlplane.dev/v1"] = API_VERSION
    kind: Literal["Thing"] = "Thing"
    spec: ThingSpec
    status: ThingStatus = ThingStatus()


def config_map(name, thing=None, **more):
    metadata = {"name": name, "namespace": "default"}
    if thing:
        metadata["ownerReferences"] = [owner_reference(thing)]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **more}


class Things:
    """Satisfies ``Reconciler``."""

    KIND = Thing

    def __init__(self):
        self.passes = 0

    def refs(self, thing, _settings, /):
        wanted = [Ref("v1", "ConfigMap", "default", thing.spec.wants)] if thing.spec.wants else []
        return (*wanted, Query("v1", "Secret", "default"))

    def plan(self, thing, observed, now, _settings, /):
        self.passes += 1
        if thing.spec.trouble == "raises":
            return {}["absent"]
        if thing.spec.wants and observed.get(self.refs(thing, SETTINGS)[0]) is None:
            return self._plan(thing, Waiting("Missing", f"waits for {thing.spec.wants}"), now)
        kept = config_map(f"{thing.name}-kept", data={"text": thing.spec.text})
        if thing.spec.trouble == "refused":
            kept["unknown"] = 1
        return self._plan(
            thing,
            Ready("Fine", "all is well"),
            now,
            fact=thing.spec.text,
            create=(config_map(f"{thing.name}-made", thing),),
            apply=(kept,),
            requeue_after=timedelta(seconds=0.05) if thing.spec.trouble == "again" else None,
        )

    def _plan(self, thing, state, now, fact=None, **more):
        status = ThingStatus(
            observed_generation=thing.metadata.generation,
            conditions=conditions(thing, state, now),
            fact=fact if fact is not None else thing.status.fact,
        )
        return Plan(status, **more)


def ref(name):
    return Ref(API_VERSION, "Thing", "default", name)


@asynccontextmanager
async def at_work(cluster, reconciler, *, kinds=("Thing", "ConfigMap"), **options):
    """The engine, woken by watches of these kinds."""
    engine = Engine(cluster, [reconciler], SETTINGS, **options)
    versions = {"Thing": API_VERSION, "ConfigMap": "v1"}

    async def follow(kind):
        async with aclosing(cluster.watch(Query(versions[kind], kind))) as events:
            async for event in events:
                if event.type != "SYNCED":
                    engine.wake(event.body)

    tasks = [asyncio.create_task(engine.run()), *(asyncio.create_task(follow(kind)) for kind in kinds)]
    try:
        yield engine
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


@pytest.fixture
def settled(cluster, eventually):
    """Waits until an object's Ready condition has a reason and speaks of its generation; the object."""

    async def wait(name, reason):
        async def look():
            body = await cluster.get(ref(name))
            ready = of(body, "Ready") or {}
            current = ready.get("observedGeneration") == body["metadata"]["generation"]
            return body if ready.get("reason") == reason and current else None

        return await eventually(look)

    return wait


async def test_children_are_made_and_the_status_is_written_once(cluster, things, settled, eventually):
    reconciler = Things()
    versions = []
    async with at_work(cluster, reconciler) as engine:
        made = await things("a", text="hello")
        body = await settled("a", "Fine")
        versions.append(body["metadata"]["resourceVersion"])
        children = [
            await cluster.get(Ref("v1", "ConfigMap", "default", f"a-{child}")) for child in ("made", "kept")
        ]
        assert children[1]["data"] == {"text": "hello"}
        for _ in range(3):
            passes = reconciler.passes
            engine.wake(body)
            await eventually(lambda passes=passes: reconciler.passes > passes)
    assert body["status"]["fact"] == "hello"
    assert int(body["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert await cluster.get(ref("a")) == body
    for child in children:
        found = await cluster.get(Ref("v1", "ConfigMap", "default", child["metadata"]["name"]))
        assert found["metadata"]["resourceVersion"] == child["metadata"]["resourceVersion"]


async def test_what_the_server_refuses_becomes_a_condition_and_goes_when_it_is_corrected(
    cluster, things, settled
):
    async with at_work(cluster, Things()):
        await things("a", text="first")
        await settled("a", "Fine")
        await cluster.patch(ref("a"), {"spec": {"text": "second", "trouble": "refused"}}, manager="test")
        body = await settled("a", names.API_ERROR)
        assert "unknown" in of(body, "Ready")["message"]
        assert of(body, "Stalled")["status"] == "True"
        assert body["status"]["fact"] == "first"
        assert body["status"]["observedGeneration"] == body["metadata"]["generation"]
        await cluster.patch(ref("a"), {"spec": {"trouble": ""}}, manager="test")
        body = await settled("a", "Fine")
        assert of(body, "Stalled") is None
        assert body["status"]["fact"] == "second"


async def test_a_child_of_somebody_else_is_not_taken_for_ours(cluster, things, settled):
    await cluster.create(config_map("a-made"), manager="somebody")
    async with at_work(cluster, Things()):
        await things("a")
        body = await settled("a", names.API_ERROR)
    assert "ConfigMap/a-made exists and belongs to nobody that mlplane knows" in of(body, "Ready")["message"]


async def test_a_record_that_exists_counts_only_if_it_pins_the_same_bytes(cluster, settled):
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
    await act(cluster, Plan(Status(), create=(b.model_version(),)))
    await act(cluster, Plan(Status(), create=(b.model_version(),)))
    other = b.model_version(digest="sha256:" + "0" * 64)
    with pytest.raises(Terminal, match=r"exists and pins sha256:e+, not sha256:0+"):
        await act(cluster, Plan(Status(), create=(other,)))


async def test_an_earlier_object_of_the_same_name_is_somebody_else(cluster, things, settled):
    old = {"apiVersion": API_VERSION, "kind": "Thing", "name": "a", "uid": "an-older-uid", "controller": True}
    child = config_map("a-made")
    child["metadata"]["ownerReferences"] = [old]
    # No garbage collector may take it away meanwhile, as its owner does not exist.
    child["metadata"]["finalizers"] = ["tests.mlplane.dev/keep"]
    await cluster.create(child, manager="somebody")
    async with at_work(cluster, Things()):
        await things("a")
        body = await settled("a", names.API_ERROR)
    assert "belongs to Thing default/a (uid an-older-uid)" in of(body, "Ready")["message"]


@pytest.mark.parametrize(
    ("spec", "status", "says"),
    [
        ({"text": {"not": "a text"}}, {}, "spec.text"),
        ({}, {"fact": ["no", "fact"]}, "status.fact"),
        ({"trouble": "raises"}, {}, "KeyError"),
    ],
    ids=["its spec", "its status", "something it reads"],
)
async def test_an_object_that_cannot_be_understood_is_marked_and_others_go_on(
    cluster, things, settled, spec, status, says
):
    await things("poison", **spec)
    await cluster.patch(ref("poison"), {"status": status}, manager="test", subresource="status")
    async with at_work(cluster, Things()):
        body = await settled("poison", "InvalidObject")
        assert says in of(body, "Ready")["message"]
        await things("healthy")
        await settled("healthy", "Fine")


async def test_conditions_that_cannot_be_understood_are_replaced(cluster, things, settled):
    await things("a")
    status = {"conditions": [{"type": "Ready", "status": "Perhaps"}]}
    await cluster.patch(ref("a"), {"status": status}, manager="test", subresource="status")
    async with at_work(cluster, Things()):
        await settled("a", "Fine")


async def test_an_object_waits_for_a_reference_and_goes_on_when_it_appears(cluster, things, settled):
    async with at_work(cluster, Things()):
        await things("a", wants="later")
        await settled("a", "Missing")
        await cluster.create(config_map("later"), manager="test")
        await settled("a", "Fine")


async def test_a_child_that_is_deleted_is_made_again(cluster, things, settled, eventually):
    async with at_work(cluster, Things()):
        await things("a")
        await settled("a", "Fine")
        child = Ref("v1", "ConfigMap", "default", "a-made")
        uid = (await cluster.get(child))["metadata"]["uid"]
        await cluster.delete(child)

        async def is_new():
            found = await cluster.get(child)
            return found and found["metadata"]["uid"] != uid

        await eventually(is_new)


async def test_a_status_made_from_an_outdated_object_is_not_written_but_made_anew(
    cluster, things, settled, monkeypatch
):
    patch, meddled = cluster.patch, []

    async def meddle(target, body, **options):
        if options.get("subresource") and not meddled:
            meddled.append(await patch(target, {"spec": {"text": "newer"}}, manager="test"))
        return await patch(target, body, **options)

    await things("a", text="older")
    monkeypatch.setattr(cluster, "patch", meddle)
    async with at_work(cluster, Things(), kinds=()) as engine:
        engine.wake(await cluster.get(ref("a")))
        body = await settled("a", "Fine")
    assert meddled
    assert body["status"]["fact"] == "newer"


async def test_an_object_that_is_being_deleted_is_left_alone(cluster, things, settled):
    await things("a")
    await cluster.patch(ref("a"), {"metadata": {"finalizers": ["tests.mlplane.dev/keep"]}}, manager="test")
    await cluster.delete(ref("a"))
    reconciler = Things()
    async with at_work(cluster, reconciler):
        await things("b")
        await settled("b", "Fine")
    assert "status" not in await cluster.get(ref("a"))
    assert reconciler.passes >= 1


async def test_children_that_went_with_their_owner_are_not_made_again(cluster, things, monkeypatch):
    """The owner was read, then deleted: that its children are missing says nothing any more."""
    list_ = cluster.list

    async def meddle(query):
        await cluster.delete(ref("a"))
        return await list_(query)

    await things("a")
    monkeypatch.setattr(cluster, "list", meddle)
    await Engine(cluster, [Things()], SETTINGS).reconcile(ref("a"))
    assert await cluster.get(ref("a")) is None
    assert await cluster.get(Ref("v1", "ConfigMap", "default", "a-kept")) is None


async def test_an_object_that_no_watch_has_seen_is_found_by_the_look_at_all(cluster, things, settled):
    await things("a")
    async with at_work(cluster, Things(), kinds=(), resync=timedelta(seconds=0.2)):
        await settled("a", "Fine")


async def test_a_pass_comes_again_when_the_plan_asks_for_it(cluster, things, settled, eventually):
    reconciler = Things()
    async with at_work(cluster, reconciler):
        await things("a", trouble="again")
        await settled("a", "Fine")
        passes = reconciler.passes
        await eventually(lambda: reconciler.passes > passes + 2)


async def test_after_an_outage_all_is_done_without_a_further_event(
    server, cluster, things, settled, eventually
):
    await things("a", text="before")
    body = await cluster.get(ref("a"))
    server.kill()
    async with at_work(cluster, Things(), kinds=()) as engine:
        engine.wake(body)
        with pytest.raises(Transient):
            await cluster.get(ref("a"))
        server.start()
        await eventually(lambda: _fine(cluster))


async def _fine(cluster):
    try:
        return of(await cluster.get(ref("a")), "Ready")
    except Transient:
        return None


async def test_a_status_that_the_server_refuses_is_said_in_the_status(cluster, thing_crd, things, settled):
    short = {"type": "string", "maxLength": 5}
    schema = thing_crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    status = schema["properties"]["status"] | {"properties": {"fact": short}}
    schema["properties"] = schema["properties"] | {"status": status}
    await cluster.apply(thing_crd, manager="test")
    async with at_work(cluster, Things()):
        await things("a", text="much too long")
        body = await settled("a", names.API_ERROR)
        assert "status.fact" in of(body, "Ready")["message"]
        await cluster.patch(ref("a"), {"spec": {"text": "short"}}, manager="test")
        assert (await settled("a", "Fine"))["status"]["fact"] == "short"
