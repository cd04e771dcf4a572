"""The seams to Argo and KServe: whatever they write, or fail to write, the status says what it should.

Each table is phase x shape; a cell is the reason of Ready.
"""

import copy
import json

import pytest

import builders as b
from mlplane import names
from mlplane.adapters import kserve
from mlplane.api import ModelServer, ModelVersion
from mlplane.reconcilers import RECONCILERS

MODULES = {module.KIND.__name__: module for module in RECONCILERS}
GOOD = {"Ingested", "Completed", "Serving", "GatesPassed"}
FINAL = {"IngestFailed", "RunFailed", "LoadFailed", "EvaluationFailed", "EvidenceMismatch"}
INGEST_RESULT = b.ingest_result()


def planned(obj, *bodies):
    module = MODULES[obj["kind"]]
    typed = b.TYPES[obj["kind"]].model_validate(obj)
    return module.plan(typed, b.observed_by(module, typed, bodies), b.NOW, b.SETTINGS)


def check(obj, bodies, reason, *, stalled=None, says="", creates=0):
    """The status has this reason, says what a person is to do, and nothing that exists is made again."""
    plan = planned(obj, *bodies)
    status = b.TYPES[obj["kind"]].model_validate(obj | {"status": plan.status.to_body()}).status
    found = {c.type: c for c in status.conditions}
    assert (found["Ready"].reason, found["Ready"].status) == (reason, "True" if reason in GOOD else "False")
    stalled = reason in FINAL if stalled is None else stalled
    assert ("Stalled" in found, "Reconciling" in found) == (stalled, reason not in GOOD and not stalled)
    assert says in found["Ready"].message
    assert found["Ready"].message
    assert len([made for made in plan.create if made["kind"] == "Workflow"]) == creates


# What a Workflow may hold beside its phase.
SHAPES = {
    "complete": lambda _: None,
    "no nodes": lambda workflow: workflow["status"].pop("nodes", None),
    "nodes without outputs": lambda workflow: [
        node.pop("outputs", None) for node in workflow["status"]["nodes"].values()
    ],
    "nodes of the wrong types": lambda workflow: workflow["status"].update(
        nodes={"a": None, "b": 7, "c": {"phase": 7, "type": [], "outputs": {"parameters": {"x": 1}}}}
    ),
    "nodes are a list": lambda workflow: workflow["status"].update(nodes=[1, None, {}]),
    "huge numbers": lambda workflow: workflow["status"].update(
        nodes={"a": {"phase": "Failed", "type": "Pod", "finishedAt": 10**400, "message": 10**400}},
        progress=10**400,
    ),
}
UNKNOWN, MALFORMED = "Suspended", 7
DATASET = {
    #            complete       no nodes        no outputs      wrong types     a list          huge
    "": ("Ingesting",) * 6,
    "Pending": ("Ingesting",) * 6,
    "Running": ("Ingesting",) * 6,
    "Succeeded": ("Ingested",) + ("IngestFailed",) * 5,
    "Failed": ("IngestFailed",) * 6,
    "Error": ("IngestFailed",) * 6,
    UNKNOWN: ("Ingesting",) * 6,
    MALFORMED: ("Ingesting",) * 6,
}
RUN = {
    "": ("Running",) * 6,
    "Pending": ("Running",) * 6,
    "Running": ("Running",) * 6,
    "Succeeded": ("Completed",) + ("RunFailed",) * 5,
    "Failed": ("RunFailed",) * 6,
    "Error": ("RunFailed",) * 6,
    UNKNOWN: ("Running",) * 6,
    MALFORMED: ("Running",) * 6,
}


def evaluation(done, failed="EvaluationFailed"):
    """As the others, but what succeeded and answered nothing has another reason for each kind of step."""
    return {
        "": ("Evaluating",) * 6,
        "Pending": ("Evaluating",) * 6,
        "Running": ("Evaluating",) * 6,
        "Succeeded": (done,) + (failed,) * 5,
        "Failed": ("EvaluationFailed",) * 6,
        "Error": ("EvaluationFailed",) * 6,
        UNKNOWN: ("Evaluating",) * 6,
        MALFORMED: ("Evaluating",) * 6,
    }


def cells(table):
    return [
        pytest.param(phase, shape, reason, id=f"{phase!r} with {shape}")
        for phase, reasons in table.items()
        for shape, reason in zip(SHAPES, reasons, strict=True)
    ]


def shaped(workflow, phase, shape):
    workflow = copy.deepcopy(workflow)
    workflow["status"] = workflow.get("status") or {"nodes": {}}
    workflow["status"]["phase"] = phase
    SHAPES[shape](workflow)
    return workflow


@pytest.mark.parametrize(("phase", "shape", "reason"), cells(DATASET))
def test_a_dataset_follows_its_workflow(phase, shape, reason):
    workflow = b.dataset_workflow(b.dataset(), "x", dataset=INGEST_RESULT)
    says = "does not know" if phase in (UNKNOWN, MALFORMED) and shape != "huge numbers" else ""
    check(b.dataset(), (shaped(workflow, phase, shape),), reason, says=says)


@pytest.mark.parametrize(("phase", "shape", "reason"), cells(RUN))
def test_a_run_follows_its_workflow(phase, shape, reason):
    publish = {"result": b.run_result("0.9721")}
    workflow = b.run_workflow(b.run(), "x", publish=publish)
    says = "does not know" if phase in (UNKNOWN, MALFORMED) and shape != "huge numbers" else ""
    check(b.run(), (b.ready_dataset(), shaped(workflow, phase, shape)), reason, says=says)


@pytest.mark.parametrize(("phase", "shape", "reason"), cells(evaluation("GatesPassed")))
def test_an_evaluation_follows_its_workflow(phase, shape, reason):
    wanted = b.evaluation(run=b.TO_JUDGE)
    workflow = b.evaluation_workflow(wanted, "x", recorded=json.dumps(b.recorded("0.9721")))
    check(wanted, (b.model_version(), b.ready_dataset(), shaped(workflow, phase, shape)), reason)


@pytest.mark.parametrize(
    ("phase", "shape", "reason"), cells(evaluation("GatesPassed", failed="EvidenceMismatch"))
)
def test_a_record_counts_only_once_its_workflow_says_that_nothing_differs(phase, shape, reason):
    workflow = b.evaluation_workflow(b.evaluation(), "x", finding="")
    check(b.evaluation(), (b.model_version(), shaped(workflow, phase, shape)), reason)


@pytest.mark.parametrize("status", [None, "text", 7, [], {}, {"nodes": None}, {"phase": None}, {"phase": {}}])
def test_a_workflow_without_a_status_that_can_be_read_has_not_begun(status):
    check(b.dataset(), (b.dataset_workflow(b.dataset()) | {"status": status},), "Ingesting")
    check(b.run(), (b.ready_dataset(), b.run_workflow(b.run()) | {"status": status}), "Running")


@pytest.mark.parametrize("key", ["", "text", "sha256:short", "x" * 10_000])
def test_a_key_that_is_no_digest_is_left_out_of_the_status(key):
    plan = planned(b.run(), b.ready_dataset(), b.run_workflow(b.run(), "Running", preflight={"key": key}))
    assert plan.status.run_key is None


FINISHED = {
    "observedGeneration": 1,
    "attempt": 1,
    "workflow": "digits-1-1",
    "modelVersion": "digits-aaaaaaaa",
    "conditions": [
        b.condition("Ready", "True", "Completed"),
        b.condition("Complete", "True", "Succeeded", "it is published"),
    ],
}


@pytest.mark.parametrize("phase", ["", "Pending", "Running", "Failed", "Error", UNKNOWN])
def test_a_phase_that_goes_backward_takes_nothing_back(phase):
    check(b.ready_dataset(), (b.dataset_workflow(b.dataset(), phase),), "Ingested")
    check(b.run(status=FINISHED), (b.run_workflow(b.run(), phase),), "Completed")


def test_a_workflow_that_is_deleted_while_it_runs_is_made_again():
    check(b.dataset(status={"observedGeneration": 1}), (), "Ingesting", creates=1)
    started = {"observedGeneration": 1, "attempt": 1, "workflow": "digits-1-1"}
    check(b.run(status=started), (b.ready_dataset(),), "Running", says='"digits-1-2"', creates=1)


def test_a_workflow_that_is_deleted_when_all_is_done_is_not_missed():
    check(b.ready_dataset(), (), "Ingested")
    check(b.run(status=FINISHED), (), "Completed")


def test_a_child_that_an_earlier_object_of_the_name_has_left_is_waited_for():
    """Its owner was deleted and made again: another uid."""
    now = b.dataset(uid="uid-new")
    check(
        now,
        (b.dataset_workflow(b.dataset(), "Succeeded", dataset=INGEST_RESULT),),
        "Ingesting",
        says="earlier",
    )
    run = b.run(uid="uid-new")
    check(run, (b.ready_dataset(), b.run_workflow(b.run(), "Succeeded")), "Running", says="earlier owner")


@pytest.mark.parametrize(
    "references", [None, [], "text", [None], [{"controller": False, "uid": "uid-digits"}]]
)
def test_a_child_name_that_a_stranger_has_taken_is_left_alone_and_said(references):
    workflow = b.dataset_workflow(b.dataset(), "Succeeded", dataset=INGEST_RESULT)
    workflow["metadata"]["ownerReferences"] = references
    check(b.dataset(), (workflow,), "Ingesting", stalled=True, says="belongs to nobody: delete it")
    plan = planned(b.dataset(), workflow)
    assert plan.requeue_after is not None, "no watch tells of what is not mlplane's"


# --- KServe

VERSION = b.model_version(approved=True)
URL = "http://digits-default.example.com"
ADDRESS = {"url": "http://digits-v-eeeeeeee-predictor.default.svc.cluster.local"}


def service(status=None, owner="uid-digits", digest=b.MODEL_DIGEST):
    server = ModelServer.model_validate(b.server(uid=owner))
    version = ModelVersion.model_validate(b.model_version(digest=digest))
    made = kserve.inference_service_for(server, version, b.SETTINGS)
    made["metadata"] |= {"generation": 1, "resourceVersion": "7"}
    return made | ({} if status is None else {"status": status})


def conditions(*pairs, **more):
    return {"conditions": [{"type": t, "status": s} | more for t, s in pairs]}


READY = conditions(("Ready", "True"), ("PredictorReady", "True"), ("IngressReady", "True"))
FAILED_LOAD = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": {"message": "digest differs"}}
KSERVE = {
    "no status": (None, "Deploying"),
    "an empty status": ({}, "Deploying"),
    "a status that is text": ("text", "Deploying"),
    "conditions null": ({"conditions": None, "url": URL}, "Deploying"),
    "conditions of the wrong types": ({"conditions": [None, 7, "x", {"type": 7}], "url": URL}, "Deploying"),
    "conditions as an object": ({"conditions": {"Ready": "True"}, "url": URL}, "Deploying"),
    "ready": (READY | {"url": URL, "address": ADDRESS}, "Serving"),
    "ready without an address inside": (READY | {"url": URL}, "Serving"),
    "ready without a url": (READY | {"address": ADDRESS}, "Deploying"),
    "ready with a url that is none": (READY | {"url": 7, "address": ADDRESS}, "Deploying"),
    "ready with an address that is none": (READY | {"url": URL, "address": {"url": "http://["}}, "Deploying"),
    "ready of an older predictor": (
        READY | {"url": URL, "address": {"url": "http://digits-v-older-predictor.default"}},
        "Deploying",
    ),
    "predictor ready, ingress not": (
        conditions(("Ready", "False"), ("PredictorReady", "True"), ("IngressReady", "False")) | {"url": URL},
        "Deploying",
    ),
    "predictor not ready": (conditions(("Ready", "False"), ("PredictorReady", "False")), "Deploying"),
    "unknown": (conditions(("Ready", "Unknown")), "Deploying"),
    "a status of Ready that nobody knows": (conditions(("Ready", "Perhaps")), "Deploying"),
    "a status of Ready that is a truth value": (conditions(("Ready", True)) | {"url": URL}, "Deploying"),
    "a message that is no text": (conditions(("Ready", "False"), message={"x": 1}), "Deploying"),
    "the model does not load": (
        conditions(("Ready", "False")) | {"modelStatus": FAILED_LOAD, "address": ADDRESS},
        "LoadFailed",
    ),
    "the model does not load, and nobody says why": (
        conditions(("Ready", "False")) | {"modelStatus": {"transitionStatus": "BlockedByFailedLoad"}},
        "LoadFailed",
    ),
    "the older model does not load": (
        conditions(("Ready", "False"))
        | {"modelStatus": FAILED_LOAD, "address": {"url": "http://digits-v-older-predictor.default"}},
        "Deploying",
    ),
    "no runtime": (
        conditions(("Ready", "Unknown")) | {"modelStatus": {"transitionStatus": "InvalidSpec"}},
        "LoadFailed",
    ),
    "a transition that nobody knows": (
        READY | {"url": URL, "modelStatus": {"transitionStatus": "Sideways"}},
        "Serving",
    ),
    "a model status that is text": (READY | {"url": URL, "modelStatus": "text"}, "Serving"),
    "huge numbers": (READY | {"url": URL, "observedGeneration": 10**400, "modelStatus": 10**400}, "Serving"),
}


@pytest.mark.parametrize("cell", KSERVE)
def test_a_server_follows_its_service(cell):
    status, reason = KSERVE[cell]
    check(b.server(), (VERSION, service(status)), reason)


@pytest.mark.parametrize("spec", [None, 7, {}, {"predictor": None}, {"predictor": {"name": 7}}])
def test_a_service_whose_spec_was_spoilt_is_applied_again(spec):
    spoilt = service(READY | {"url": URL}) | {"spec": spec}
    check(b.server(), (VERSION, spoilt), "Deploying")
    applied = planned(b.server(), VERSION, spoilt).apply
    assert [body["metadata"]["resourceVersion"] for body in applied] == ["7"]


def test_a_service_that_is_deleted_is_applied_again():
    check(b.server(), (VERSION,), "Deploying")
    assert [body["kind"] for body in planned(b.server(), VERSION).apply] == ["InferenceService"]


@pytest.mark.parametrize("owner", ["uid-other", None])
def test_a_service_of_a_stranger_is_left_alone_and_said(owner):
    stranger = service(READY | {"url": URL}, owner=owner or "x")
    if owner is None:
        stranger["metadata"].pop("ownerReferences")
    check(b.server(), (VERSION, stranger), "Deploying", stalled=True, says="belongs to something else")
    plan = planned(b.server(), VERSION, stranger)
    assert plan.apply == ()
    assert plan.requeue_after is not None


def test_a_ready_that_goes_backward_is_said_and_the_address_stays():
    was = {"url": URL, "conditions": [b.condition("Ready", "True", names.SERVING)]}
    plan = planned(b.server(status=was), VERSION, service(conditions(("Ready", "False"))))
    assert (plan.status.url, plan.status.conditions[0].status) == (URL, "False")
