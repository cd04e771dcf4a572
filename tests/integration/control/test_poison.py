"""Malformed objects that are stored already: each is marked, and no other object notices.

The CRDs of this plane have no schema, as if they had been looser once; so everything may be stored. Each
poisoned object has one field of one healthy object removed or of another type, and all live side by side.
"""

import asyncio
import copy
import time

import pytest

import builders as b
from faults.processes import Process
from mlplane import names
from mlplane.api import KINDS
from mlplane.api.conditions import of
from mlplane.api.refs import Query, Ref
from mlplane.local.bootstrap import bootstrap, objects_for

JUNK = {"x": 1}
HEALTHY = {
    "Dataset": b.dataset(status=b.ingested()),
    "TrainingRun": b.run(status={"observedGeneration": 1, "attempt": 1, "workflow": "w", "progress": "1/2"}),
    "ModelVersion": b.model_version(approved=True),
    "Evaluation": b.evaluation() | {"status": b.model_version(approved=True)["status"]},
    "ModelServer": b.server(status={"observedGeneration": 1, "url": "http://x", "conditions": []}),
}


def paths(value, path=()):
    """Every field, containers before what is in them; of a list its first item."""
    if path:
        yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else list(enumerate(value))[:1]
        if isinstance(value, list)
        else ()
    )
    for key, item in inner:
        yield from paths(item, (*path, key))


def spoilt(kind, path, number, *, remove):
    body = copy.deepcopy(HEALTHY[kind])
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    if remove:
        del parent[path[-1]]
    else:
        parent[path[-1]] = 7 if isinstance(parent[path[-1]], dict | list) else JUNK
    body["metadata"] = {"name": f"poison-{number}", "namespace": "default"}
    return body


def poisons(kind):
    parts = {part: HEALTHY[kind].get(part, {}) for part in ("spec", "status")}
    places = [(path, remove) for path in paths(parts) for remove in (True, False)]
    return [spoilt(kind, path, n, remove=remove) for n, (path, remove) in enumerate(places)]


def loose(crd):
    """The CRD without a schema."""
    crd = copy.deepcopy(crd)
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    crd.pop("status", None)
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for version in crd["spec"]["versions"]:
        version["schema"] = {"openAPIV3Schema": anything}
    return crd


@pytest.fixture
async def loosened(cluster):
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
    for crd in await cluster.list(Query("apiextensions.k8s.io/v1", "CustomResourceDefinition")):
        if crd["spec"]["group"] in (names.GROUP, "argoproj.io", "serving.kserve.io"):
            await cluster.delete(Ref(crd["apiVersion"], crd["kind"], "", crd["metadata"]["name"]))
            await _stored(cluster, loose(crd))
    return cluster


async def _stored(cluster, body):
    async with asyncio.timeout(60):
        while not await cluster.create(body, manager="test"):  # noqa: ASYNC110 - the name gets free elsewhere
            await asyncio.sleep(0.05)


async def store(cluster, body):
    """The object with its status; the API server sets the rest of its metadata."""
    body = copy.deepcopy(body)
    status = body.pop("status", None)
    for field in ("uid", "generation", "creationTimestamp"):
        body["metadata"].pop(field, None)
    made = await cluster.create(body, manager="test")
    ref = Ref(body["apiVersion"], body["kind"], "default", body["metadata"]["name"])
    if status is not None:
        await cluster.patch(ref, {"status": status}, manager="test", subresource="status")
    return ref, made


@pytest.fixture
async def controller(server, own_kubeconfig):
    environment = {
        "KUBECONFIG": str(own_kubeconfig),
        names.STORE_ENV: "file:///nowhere",
        "POD_NAME": "one",
    }
    process = Process(("-m", "mlplane.cli.main", "controller"), server.state.log("controller"), environment)
    process.start()
    yield process
    process.stop()


async def reason_of(cluster, ref, type_="Ready"):
    return (of(await cluster.get(ref), type_) or {}).get("reason")


async def test_no_object_suffers_from_another_one_that_is_malformed(server, loosened, controller, eventually):
    cluster = loosened
    version, _ = await store(cluster, b.model_version())
    await store(cluster, b.finished_run() | {"metadata": b.meta("whole")})
    await store(cluster, b.evaluation(**b.of_a_run("whole")))
    unharmed = "sha256:" + "9" * 64
    other_version, _ = await store(cluster, b.model_version("unharmed", digest=unharmed))
    judgement = b.evaluation("of-unharmed", digest=unharmed, **b.of_a_run("unharmed"))
    judgement["spec"]["modelVersion"]["name"] = "unharmed"
    of_unharmed = b.finished_run(left=judgement) | {"metadata": b.meta("unharmed")}
    of_unharmed["status"]["modelVersion"] = "unharmed"
    await store(cluster, of_unharmed)
    await store(cluster, judgement)
    stored = [await store(cluster, body) for kind in KINDS for body in poisons(kind)]
    assert len(stored) > 250
    # Objects that read the poisoned ones, and are whole themselves.
    waiting, _ = await store(cluster, b.run("waiting") | {"status": {}})
    server_ref, _ = await store(cluster, b.server("follower"))
    began = time.monotonic()
    fresh, _ = await store(cluster, b.dataset("fresh"))
    await eventually(lambda: reason_of(cluster, fresh))
    await eventually(lambda: reason_of(cluster, version, "Approved"))
    print(
        f"{len(stored)} poisoned objects; a healthy one was looked at {time.monotonic() - began:.1f} s later"
    )
    # Some of the evaluations that cannot be read may have rejected this version, and none the other one.
    await eventually(lambda: _is_in_doubt(cluster, version))
    approved = of(await cluster.get(version), "Approved")
    assert approved["status"] == "False"
    assert "cannot be read: correct or delete it" in approved["message"]
    assert await eventually(lambda: reason_of(cluster, other_version, "Approved")) == names.GATES_PASSED
    await eventually(lambda: _follows(cluster, server_ref, other_version.name))
    assert await eventually(lambda: reason_of(cluster, waiting)) in (
        names.DATASET_MISSING,
        names.DATASET_NOT_READY,
    )
    for ref, _ in stored:
        assert await eventually(lambda ref=ref: reason_of(cluster, ref)), ref
    # Once all are marked, another healthy object waits for nobody.
    began = time.monotonic()
    later, _ = await store(cluster, b.dataset("later"))
    assert await eventually(lambda: reason_of(cluster, later)) == names.INGESTING
    assert time.monotonic() - began < 15.0
    assert controller.running.poll() is None
    assert "unexpected error" not in controller.log_file.read_text()


async def _is_in_doubt(cluster, version):
    return await reason_of(cluster, version, "Approved") == names.UNREADABLE_EVALUATION


async def _follows(cluster, ref, name):
    status = (await cluster.get(ref)).get("status") or {}
    return (status.get("modelVersion") or {}).get("name") == name


def workflow_of(dataset):
    return b.dataset_workflow(dataset)["metadata"]["name"]


CHILDREN = {
    "no spec": {"spec": None},
    "a spec of text": {"spec": "text"},
    "a status of text": {"status": "text"},
    "a phase that is a number": {"status": {"phase": 7}},
    "nodes of text": {"status": {"phase": "Succeeded", "nodes": "text"}},
    "a node that is null": {"status": {"phase": "Failed", "nodes": {"a": None}}},
}


async def test_a_malformed_child_troubles_its_owner_only(loosened, controller, eventually):
    cluster, owners = loosened, []
    for number, poison in enumerate(CHILDREN.values()):
        owner, made = await store(cluster, b.dataset(f"owner-{number}"))
        ref = Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default", workflow_of(made))
        await eventually(lambda ref=ref: cluster.get(ref))
        await cluster.patch(ref, poison, manager="test")
        await cluster.patch(ref, poison, manager="test", subresource="status")
        owners.append(owner)
    other, _ = await store(cluster, b.dataset("other"))
    assert await eventually(lambda: reason_of(cluster, other)) == names.INGESTING
    for owner in owners:
        reason = await eventually(lambda owner=owner: reason_of(cluster, owner))
        assert reason in (names.INGESTING, names.INGEST_FAILED)
    assert controller.running.poll() is None
    assert "unexpected error" not in controller.log_file.read_text()


async def test_what_another_kopf_operator_has_left_is_neither_read_nor_removed(
    loosened, controller, eventually
):
    body = b.dataset("left")
    body["metadata"] |= {
        "annotations": {"kopf.zalando.org/last-handled-configuration": "{broken", "kopf.zalando.org/x": "{"},
        "finalizers": ["kopf.zalando.org/KopfFinalizerMarker"],
    }
    ref, _ = await store(loosened, body)
    assert await eventually(lambda: reason_of(loosened, ref)) == names.INGESTING
    found = (await loosened.get(ref))["metadata"]
    assert found["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    await loosened.patch(ref, {"metadata": {"finalizers": None}}, manager="test")
