"""How often the controller writes, counted where its requests pass: not once more than it must.

Events come on top, and are counted for themselves: one for each change that is news, none for anything else.
"""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

import builders as b
from faults.processes import Process
from faults.proxy import Hooks, proxied
from mlplane import names
from mlplane.api.conditions import of
from mlplane.api.refs import Query, Ref
from mlplane.local.bootstrap import bootstrap, objects_for

QUIET_S = 1.5
WORKFLOWS = Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default")


class Counted:
    """A controller behind a proxy, and what it has written."""

    def __init__(self, server, proxy, writes, news):
        environment = {
            "KUBECONFIG": str(proxy.kubeconfig),
            names.STORE_ENV: "file:///nowhere",
            "POD_NAME": "one",
        }
        command = ("-m", "mlplane.cli.main", "controller")
        self.process = Process(command, server.state.log("controller"), environment)
        self.writes, self.news, self.proxy = writes, news, proxy
        self.process.start()

    async def quiet(self):
        """The writes so far, when there have been no others for a while."""
        async with asyncio.timeout(60):
            while True:
                before = len(self.writes)
                await asyncio.sleep(QUIET_S)
                if len(self.writes) == before:
                    return sorted(self.writes)

    def told(self):
        """The news so far, which are forgotten then."""
        told = [
            f"{e['involvedObject']['kind']}/{e['involvedObject']['name']} {e['reason']}" for e in self.news
        ]
        self.news.clear()
        return told


@pytest.fixture
async def counted(server, cluster, own_kubeconfig, tmp_path):
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)

    @asynccontextmanager
    async def run():
        writes, news = [], []

        async def note(request):
            if request.is_news:
                news.append(json.loads(request.body))
            elif request.is_write and not request.is_lease:
                writes.append(f"{request.method} {request.path.partition('/default/')[2]}")

        async with proxied(own_kubeconfig, tmp_path / "counted", Hooks(before=note)) as proxy:
            one = Counted(server, proxy, writes, news)
            try:
                yield one
            finally:
                one.process.stop()

    return run


async def create(cluster, body, **status):
    for field in ("uid", "generation", "creationTimestamp"):
        body["metadata"].pop(field, None)
    found = body.pop("status", None) or status
    await cluster.create(body, manager="test")
    ref = Ref(body["apiVersion"], body["kind"], "default", body["metadata"]["name"])
    if found:
        await cluster.patch(ref, {"status": found}, manager="test", subresource="status")
    return ref


async def has_ready(cluster, ref):
    return of(await cluster.get(ref), "Ready")


async def test_an_object_costs_two_writes_its_child_and_its_status_and_nothing_more_ever(
    cluster, counted, eventually
):
    async with counted() as one:
        data = await create(cluster, b.dataset())
        await eventually(lambda: has_ready(cluster, data))
        workflow = b.dataset_workflow(await cluster.get(data))["metadata"]["name"]
        assert await one.quiet() == ["PATCH datasets/digits/status", "POST workflows"]
        assert one.told() == ["Dataset/digits Ingesting"]
        one.writes.clear()

        run = await create(cluster, b.run())
        await eventually(lambda: has_ready(cluster, run))
        assert await one.quiet() == ["PATCH trainingruns/digits-1/status"], "it waits for its dataset"
        assert one.told() == [], "its conditions say what it waits for"
        one.writes.clear()

        await create(cluster, b.finished_run() | {"metadata": b.meta("digits-0")})
        version = await create(cluster, b.model_version())
        await create(cluster, b.evaluation(**b.of_a_run("digits-0")))
        await eventually(lambda: has_ready(cluster, version))
        written = [write for write in await one.quiet() if "digits-0" not in write]
        assert len([w for w in written if "evaluations" in w]) == 1
        assert len(written) <= 4, (
            "approved at once, or after its evaluation was seen, or after it was vouched for"
        )
        assert one.told().count(f"ModelVersion/{version.name} GatesPassed") == 1
        one.writes.clear()

        await create(cluster, b.server())
        assert await one.quiet() == ["PATCH inferenceservices/digits", "PATCH modelservers/digits/status"]
        assert one.told() == ["ModelServer/digits Deploying"]
        one.writes.clear()

        # A pass that finds all as it was: an event that changes nothing that matters.
        for kind, name in (("Dataset", "digits"), ("ModelServer", "digits")):
            ref = Ref(names.API_VERSION, kind, "default", name)
            await cluster.patch(ref, {"metadata": {"annotations": {"seen": "yes"}}}, manager="test")
        touched = Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default", workflow)
        await cluster.patch(touched, {"metadata": {"annotations": {"seen": "yes"}}}, manager="test")
        assert await one.quiet() == []

        one.process.stop()
        one.writes.clear()
        before = one.proxy.requests
        one.process.start()
        await eventually(lambda: one.proxy.requests > before + 20)
        assert await one.quiet() == [], "a restart writes nothing"
        assert one.told() == []

        # Somebody changes what the controller has applied: one write puts it right.
        service = Ref(names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND, "default", "digits")
        await cluster.patch(service, {"spec": {"predictor": {"minReplicas": 3}}}, manager="test")
        assert await one.quiet() == ["PATCH inferenceservices/digits"]
        assert (await cluster.get(service))["spec"]["predictor"]["minReplicas"] == 1
