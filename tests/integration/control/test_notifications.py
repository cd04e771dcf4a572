"""What a person and another system hear of a run that fails, from the controller as it is started."""

import base64
import hashlib
import hmac
import json

import pytest

import builders as b
from faults.processes import Process
from mlplane import names
from mlplane.api.refs import Query, Ref
from mlplane.local.bootstrap import bootstrap, objects_for
from receiver import receiving

KEY = b"k" * 32
WORKFLOWS = Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default")


@pytest.fixture
async def received():
    """A receiver at an address with a token, which is busy at first; the requests that it got."""
    async with receiving([503]) as (url, got):
        yield got, str(url)


@pytest.fixture
async def controller(server, cluster, own_kubeconfig, received):
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
    environment = {
        "KUBECONFIG": str(own_kubeconfig),
        names.STORE_ENV: "file:///nowhere",
        names.NOTIFY_URL_ENV: received[1],
        names.NOTIFY_SECRET_ENV: "whsec_" + base64.b64encode(KEY).decode(),
        "POD_NAME": "one",
    }
    log = server.state.log("controller")
    process = Process(("-m", "mlplane.cli.main", "controller"), log, environment)
    process.start()
    yield log
    process.stop()


async def create(cluster, body):
    for field in ("uid", "generation", "creationTimestamp"):
        body["metadata"].pop(field, None)
    status = body.pop("status", None)
    await cluster.create(body, manager="test")
    ref = Ref(body["apiVersion"], body["kind"], "default", body["metadata"]["name"])
    if status:
        await cluster.patch(ref, {"status": status}, manager="test", subresource="status")


async def test_a_run_that_fails_is_told_by_an_event_and_by_a_signed_notification(
    cluster, controller, received, eventually
):
    got, _ = received
    await create(cluster, b.ready_dataset())
    await create(cluster, b.run())

    async def workflow():
        found = await cluster.list(WORKFLOWS)
        return next((body for body in found if body["metadata"]["name"].startswith("digits-1")), None)

    made = await eventually(workflow)
    ref = Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default", made["metadata"]["name"])
    failed = {"phase": "Failed", "message": "it has no memory left", "startedAt": "2026-01-01T00:00:00Z"}
    await cluster.patch(ref, {"status": failed}, manager="test")

    async def events():
        found = await cluster.list(Query("v1", "Event", "default"))
        told = {e["reason"]: e for e in found if e["involvedObject"]["name"] == "digits-1"}
        return told if "RunFailed" in told else None

    told = await eventually(events)
    assert told["Running"]["type"] == "Normal"
    assert told["RunFailed"]["type"] == "Warning"
    await eventually(lambda: len(got) == 2)  # the receiver was busy at first
    headers, body, path = got[1]
    event = json.loads(body)
    assert path == "/hook?token=geheim"
    assert (event["type"], event["subject"]) == ("dev.mlplane.failed", "TrainingRun/digits-1")
    assert event["data"]["message"] == told["RunFailed"]["message"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert "geheim" not in controller.read_text()
