"""Each state of each kind, and what is planned for it; the plans stand in plans/<kind>/<state>.yaml.

After a change that is meant, run ``pytest tests/golden --update-golden`` and read the difference.
"""

import json
from pathlib import Path

import pytest
import yaml

import builders as b
import datasetcases
from mlplane.adapters import kserve
from mlplane.api import ModelServer, ModelVersion
from mlplane.reconcilers import RECONCILERS

MODULES = {module.KIND.__name__: module for module in RECONCILERS}
PLANS = Path(__file__).parent / "plans"

PIN = {"modelVersion": {"name": "digits-aaaaaaaa", "digest": b.MODEL_DIGEST}}
STARTED = {
    "observedGeneration": 1,
    "attempt": 1,
    "workflow": "digits-1-1",
    "conditions": [b.condition("Ready", "False", "Running"), b.condition("Reconciling", "True", "Running")],
}
LOG = "main: Error (exit code 1): mlplane train: script train.py failed with exit code 1"
PREFLIGHT = {"key": b.RUN_KEY, "cached": "false", "model": ""}


def service(status: dict | None = None, digest: str = b.MODEL_DIGEST, owner: str = "uid-digits") -> dict:
    made = kserve.inference_service_for(
        ModelServer.model_validate(b.server(uid=owner)),
        ModelVersion.model_validate(b.model_version(digest=digest)),
        b.SETTINGS,
    )
    made["metadata"] |= {"generation": 1}
    return made | ({"status": status} if status else {})


READY_SERVICE = service(
    {
        "observedGeneration": 1,
        "url": "http://digits-default.example.com",
        "address": {"url": "http://digits-v-eeeeeeee-predictor.default.svc.cluster.local"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
)
NEWER, THIRD = ("sha256:" + digit * 64 for digit in "bc")
NEWER_VERSION = b.model_version(
    "digits-bbbbbbbb", digest=NEWER, approved=True, creationTimestamp="2026-01-02T03:02:00Z"
)
THIRD_VERSION = b.model_version(
    "digits-cccccccc", digest=THIRD, approved=True, creationTimestamp="2026-01-02T03:03:00Z"
)


def rolling(percent: int = 0, *, is_ready: bool = False, seen: int = 0, since: str = b.EARLIER) -> dict:
    """A service that answers and has the newer version as its canary."""
    old, newer = (
        kserve.served_as(ModelVersion.model_validate(b.model_version(digest=digest)), b.SETTINGS)
        for digest in (b.MODEL_DIGEST, NEWER)
    )
    made = kserve.service_for(ModelServer.model_validate(b.server()), kserve.Serving(old, newer, percent))
    made["metadata"] |= {
        "generation": 1,
        "managedFields": [
            {
                "manager": "mlplane-controller",
                "operation": "Apply",
                "time": since,
                "fieldsV1": {"f:spec": {"f:canary": {}}},
            }
        ],
    }
    canaries = [{"name": "v-bbbbbbbb", "ready": is_ready, "trafficPercent": seen}]
    return made | {"status": READY_SERVICE["status"] | {"canaryStatuses": canaries}}


FAILED_SERVICE = service(
    {
        "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": "False"}],
        "modelStatus": {
            "transitionStatus": "BlockedByFailedLoad",
            "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "digest differs", "exitCode": 1},
        },
    }
)
CHANGED = datasetcases.CHANGED
SUSPENDED = {
    "conditions": [b.condition("Ready", "False", "Suspended"), b.condition("Suspended", "True", "Suspended")]
}
ENDED_BY_SUSPENSION = b.run_workflow(b.run(), "Failed")
ENDED_BY_SUSPENSION["metadata"]["annotations"] = {"mlplane.dev/suspended": "true"}


def with_spec(body: dict, **changes: object) -> dict:
    return body | {"spec": body["spec"] | changes}


CASES = {
    **datasetcases.CASES,
    "TrainingRun/dataset missing": (b.run(), ()),
    "TrainingRun/dataset not ready": (b.run(), (b.dataset(),)),
    "TrainingRun/dataset changed and not ready yet": (b.run(), (CHANGED,)),
    "TrainingRun/starts": (b.run(), (b.ready_dataset(),)),
    "TrainingRun/preflight": (b.run(status=STARTED), (b.ready_dataset(), b.run_workflow(b.run(), "Running"))),
    "TrainingRun/training while its dataset changes": (
        b.run(status=STARTED),
        (CHANGED, b.run_workflow(b.run(), "Running", preflight=PREFLIGHT)),
    ),
    "TrainingRun/passed": (
        b.run(status=STARTED),
        (
            b.ready_dataset(),
            b.run_workflow(
                b.run(), "Succeeded", preflight=PREFLIGHT, publish={"result": b.run_result("0.9721")}
            ),
        ),
    ),
    "TrainingRun/rejected": (
        b.run(status=STARTED),
        (
            b.ready_dataset(),
            b.run_workflow(
                b.run(), "Succeeded", preflight=PREFLIGHT, publish={"result": b.run_result("0.1030")}
            ),
        ),
    ),
    "TrainingRun/failed": (
        b.run(status=STARTED),
        (
            b.ready_dataset(),
            b.with_failed_pod(b.run_workflow(b.run()), "train", LOG),
        ),
    ),
    "TrainingRun/a step cannot start": (
        b.run(status=STARTED),
        (
            b.ready_dataset(),
            b.with_pending_pod(b.run_workflow(b.run()), "preflight", "ErrImagePull: image x cannot be had"),
        ),
    ),
    "TrainingRun/finished and reported in trouble": (
        b.run(
            status=STARTED
            | {
                "conditions": [
                    b.condition("Ready", "False", "ApiError", "the API server said no"),
                    b.condition("Stalled", "True", "ApiError", "the API server said no"),
                    b.condition("Complete", "True", "Succeeded", "all is well"),
                ]
            }
        ),
        (),
    ),
    "TrainingRun/workflow of somebody else with the next name": (
        b.run(status=STARTED),
        (
            b.ready_dataset(),
            b.run_workflow(b.run(), "Running"),
            b.without_owner(b.run_workflow(b.run(), "Running", attempt=2)),
        ),
    ),
    "TrainingRun/workflow of somebody else": (
        b.run(),
        (b.ready_dataset(), b.without_owner(b.run_workflow(b.run(), "Running"))),
    ),
    "TrainingRun/workflow deleted": (b.run(status=STARTED), (b.ready_dataset(),)),
    "TrainingRun/second attempt before the status says so": (
        b.run(status=STARTED),
        (b.ready_dataset(), b.run_workflow(b.run(), "Running", attempt=2)),
    ),
    "TrainingRun/workflow of an earlier run": (
        b.run(uid="uid-new"),
        (b.ready_dataset(), b.run_workflow(b.run(), "Running")),
    ),
    "TrainingRun/suspended while it trains": (
        with_spec(b.run(status=STARTED), suspend=True),
        (b.ready_dataset(), b.run_workflow(b.run(), "Running", preflight=PREFLIGHT)),
    ),
    "TrainingRun/suspended before it started": (with_spec(b.run(), suspend=True), (b.ready_dataset(),)),
    "TrainingRun/goes on": (
        b.run(status=STARTED | SUSPENDED),
        (b.ready_dataset(), ENDED_BY_SUSPENSION),
    ),
    "TrainingRun/duplicate": (
        b.run(),
        (b.ready_dataset(), b.run("digits-0", STARTED | {"workflow": "digits-0-1"})),
    ),
    "TrainingRun/its workflow is to be deleted": (
        with_spec(
            b.run(
                status=STARTED | {"conditions": [b.condition("Complete", "True", "Succeeded", "all is well")]}
            ),
            ttlSecondsAfterFinished=60,
        ),
        (b.run_workflow(b.run(), "Succeeded"),),
    ),
    "ModelVersion/not evaluated": (b.model_version(), ()),
    "ModelVersion/approved": (b.model_version(), (b.judged(),)),
    "ModelVersion/rejected": (b.model_version(), (b.judged("0.1030"),)),
    "ModelVersion/too little was measured": (b.model_version(), (b.judged(verdict="Inconclusive"),)),
    "ModelVersion/its record is not verified yet": (b.model_version(), (b.evaluation(),)),
    "ModelVersion/its record is wrong": (
        b.model_version(),
        (
            b.evaluation(
                status={"conditions": [b.condition("Failed", "True", "EvidenceMismatch", "it says 9")]}
            ),
        ),
    ),
    "ModelVersion/judged again": (
        b.model_version(),
        (b.judged(), b.evaluation("again", run=b.TO_JUDGE, creationTimestamp="2026-01-02T03:01:00Z")),
    ),
    "ModelVersion/evaluation of other bytes does not count": (
        b.model_version(),
        (b.evaluation(digest="sha256:" + "0" * 64),),
    ),
    "ModelVersion/newest of the same question counts": (
        b.model_version(),
        (
            b.judged("0.9800", name="one"),
            b.judged("0.9000", name="two", creationTimestamp="2026-01-02T03:01:00Z"),
        ),
    ),
    "Evaluation/model version missing": (b.evaluation(), ()),
    "Evaluation/recorded by its run": (b.evaluation(**b.of_a_run()), (b.model_version(), b.finished_run())),
    "Evaluation/recorded by its run and failed": (
        b.evaluation(value="0.1030", **b.of_a_run()),
        (b.model_version(), b.finished_run("0.1030")),
    ),
    "Evaluation/before its run has recorded it": (
        b.evaluation(**b.of_a_run()),
        (b.model_version(), b.run(status=STARTED)),
    ),
    "Evaluation/edited after its run": (
        b.evaluation(value="0.9999", **b.of_a_run()),
        (b.model_version(), b.finished_run()),
    ),
    "Evaluation/to be verified": (b.evaluation(), (b.model_version(),)),
    "Evaluation/verified": (
        b.evaluation(),
        (b.model_version(), b.evaluation_workflow(b.evaluation(), "Succeeded", finding="")),
    ),
    "Evaluation/record is wrong": (
        b.evaluation(),
        (
            b.model_version(),
            b.evaluation_workflow(b.evaluation(), "Succeeded", finding="verdict is Failed, not Passed"),
        ),
    ),
    "Evaluation/stays verified without its version": (b.judged(), ()),
    "Evaluation/to be carried out": (
        b.evaluation(run=b.TO_JUDGE),
        (b.model_version(), b.ready_dataset()),
    ),
    "Evaluation/compared with what is served": (
        b.evaluation(run=b.TO_JUDGE | {"baseline": {"modelServer": {"name": "digits"}}}),
        (
            b.model_version(),
            b.model_version("digits-bbbbbbbb", digest="sha256:" + "b" * 64),
            b.ready_dataset(),
            b.server(status={"modelVersion": {"name": "digits-bbbbbbbb", "digest": "sha256:" + "b" * 64}}),
        ),
    ),
    "Evaluation/its baseline is missing": (
        b.evaluation(run=b.TO_JUDGE | {"baseline": {"modelServer": {"name": "digits"}}}),
        (b.model_version(), b.ready_dataset()),
    ),
    "Evaluation/carried out": (
        b.evaluation(run=b.TO_JUDGE),
        (
            b.model_version(),
            b.ready_dataset(),
            b.evaluation_workflow(
                b.evaluation(run=b.TO_JUDGE), "Succeeded", recorded=json.dumps(b.recorded("0.1030"))
            ),
        ),
    ),
    "Evaluation/could not be carried out": (
        b.evaluation(run=b.TO_JUDGE),
        (
            b.model_version(),
            b.with_failed_pod(
                b.evaluation_workflow(b.evaluation(run=b.TO_JUDGE)), "evaluate", "no column label"
            ),
        ),
    ),
    "Evaluation/would judge by what was trained on": (
        b.evaluation(run=b.TO_JUDGE) | {"spec": b.evaluation(run=b.TO_JUDGE)["spec"] | {"split": "train"}},
        (b.model_version(), b.ready_dataset()),
    ),
    "Evaluation/dataset not ready": (b.evaluation(run=b.TO_JUDGE), (b.model_version(), b.dataset())),
    "Evaluation/other bytes": (b.evaluation(digest="sha256:" + "0" * 64), (b.model_version(),)),
    "ModelServer/no version": (b.server(), ()),
    "ModelServer/not approved": (b.server(), (b.model_version(approved=False),)),
    "ModelServer/deploys": (b.server(), (b.model_version(approved=True),)),
    "ModelServer/loading": (b.server(), (b.model_version(approved=True), service())),
    "ModelServer/serves": (b.server(), (b.model_version(approved=True), READY_SERVICE)),
    "ModelServer/load failed": (b.server(), (b.model_version(approved=True), FAILED_SERVICE)),
    "ModelServer/newest approved": (
        b.server(),
        (
            b.model_version(approved=True),
            b.model_version(
                "digits-bbbbbbbb",
                digest="sha256:" + "b" * 64,
                approved=True,
                creationTimestamp="2026-01-02T03:02:00Z",
            ),
            b.model_version(
                "digits-cccccccc",
                digest="sha256:" + "c" * 64,
                approved=False,
                creationTimestamp="2026-01-02T03:03:00Z",
            ),
            READY_SERVICE,
        ),
    ),
    "ModelServer/newer starts beside it": (
        b.server(),
        (b.model_version(approved=True), NEWER_VERSION, rolling(since="2026-01-02T03:03:05Z")),
    ),
    "ModelServer/newer does not become ready": (
        b.server(),
        (b.model_version(approved=True), NEWER_VERSION, rolling(since="2026-01-02T02:54:05Z")),
    ),
    "ModelServer/newer is ready": (
        b.server(),
        (b.model_version(approved=True), NEWER_VERSION, rolling(is_ready=True)),
    ),
    "ModelServer/newer has the traffic": (
        b.server(),
        (b.model_version(approved=True), NEWER_VERSION, rolling(100, is_ready=True, seen=100)),
    ),
    "ModelServer/a third before newer is ready": (
        b.server(),
        (b.model_version(approved=True), NEWER_VERSION, THIRD_VERSION, rolling()),
    ),
    "ModelServer/back before newer is ready": (
        b.server(spec=PIN),
        (b.model_version(approved=True), NEWER_VERSION, rolling()),
    ),
    "ModelServer/newer is rejected meanwhile": (
        b.server(spec={"modelVersion": {"name": "digits-bbbbbbbb", "digest": NEWER}}),
        (
            b.model_version(approved=True),
            b.model_version("digits-bbbbbbbb", digest=NEWER, approved=False),
            rolling(is_ready=True),
        ),
    ),
    "ModelServer/pinned": (b.server(spec=PIN), (b.model_version(approved=True), READY_SERVICE)),
    "ModelServer/pinned version missing": (b.server(spec=PIN), ()),
    "ModelServer/pinned digest differs": (
        b.server(spec=PIN),
        (b.model_version(digest="sha256:" + "0" * 64, approved=True),),
    ),
    "ModelServer/service of something else": (
        b.server(uid="uid-new"),
        (b.model_version(approved=True), READY_SERVICE),
    ),
}


def planned(case: str):
    obj, bodies = CASES[case]
    module = MODULES[obj["kind"]]
    typed = b.TYPES[obj["kind"]].model_validate(obj)
    return module.plan(typed, b.observed_by(module, typed, bodies), b.NOW, b.SETTINGS)


@pytest.mark.parametrize("case", CASES)
def test_plan_is_as_recorded(case, request):
    plan = planned(case)
    got = {
        "status": plan.status.to_body(),
        "create": [dict(x) for x in plan.create],
        "apply": [dict(x) for x in plan.apply],
    }
    text = yaml.safe_dump(got, sort_keys=False, width=110)
    path = PLANS / f"{case.replace(' ', '-')}.yaml"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(text)


@pytest.mark.parametrize("case", CASES)
def test_a_second_pass_over_the_same_world_changes_nothing(case):
    obj, bodies = CASES[case]
    module = MODULES[obj["kind"]]
    first = planned(case)
    made = tuple(x | {"metadata": x["metadata"] | {"generation": 1}} for x in (*first.create, *first.apply))
    known = {(x["kind"], x["metadata"]["name"]) for x in bodies}
    world = bodies + tuple(x for x in made if (x["kind"], x["metadata"]["name"]) not in known)
    typed = b.TYPES[obj["kind"]].model_validate(obj | {"status": first.status.to_body()})
    second = module.plan(typed, b.observed_by(module, typed, world), b.NOW, b.SETTINGS)
    third = module.plan(
        b.TYPES[obj["kind"]].model_validate(obj | {"status": second.status.to_body()}),
        b.observed_by(module, typed, world),
        b.NOW,
        b.SETTINGS,
    )
    assert third.status == second.status
    assert third.create == ()
    assert [x for x in second.create if x["kind"] == "Workflow"] == []
    assert third.apply == second.apply == first.apply


def test_every_recorded_plan_belongs_to_a_case():
    recorded = {p.relative_to(PLANS).with_suffix("").as_posix() for p in PLANS.rglob("*.yaml")}
    assert recorded == {case.replace(" ", "-") for case in CASES}
