import pytest

from mlplane import names
from mlplane.cli.stages import only, stages
from mlplane.gitops.sync import RECORD

COMMIT = "c" * 40


def condition(type_, status, reason="Reason", message="because"):
    return {"type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 1}


def world(*bodies):
    return {(body["kind"], body["metadata"]["name"]): body for body in bodies}


def body(kind, *conditions, name="digits", spec=None, **status):
    meta = {"name": name, "generation": 1}
    return {
        "kind": kind,
        "metadata": meta,
        "spec": spec or {},
        "status": {"conditions": list(conditions)} | status,
    }


def record(outcome, errors=""):
    data = {"commit": COMMIT, "outcome": outcome, "errors": errors}
    return {"kind": "ConfigMap", "metadata": {"name": RECORD}, "data": data}


SPEC = {
    "model": "digits",
    "entrypoint": "train.py",
    "code": {"git": {"commit": COMMIT}},
    "evaluation": {"split": "test"},
}
RUN = body("TrainingRun", condition("Ready", "False"), name="digits-1", spec=SPEC, workflow="digits-1-1")
STALLED_RUN = body("TrainingRun", condition("Ready", "False"), condition("Stalled", "True"), spec=SPEC)


def workflow(**phases):
    nodes = {step: {"displayName": step, "phase": phase, "progress": "3/9"} for step, phase in phases.items()}
    return {"kind": "Workflow", "metadata": {"name": "digits-1-1"}, "status": {"nodes": nodes}}


def stage(name, *bodies):
    [found] = [s for s in stages(world(*bodies)) if s.name == name]
    return found.state, found.detail


def test_the_stages_are_the_way_from_a_commit_to_an_endpoint():
    found = [(stage.name, stage.state) for stage in stages({})]
    order = ("sync", "ingest", "preflight", "train", "evaluate", "publish", "approve", "serve")
    assert found == [(name, "pending") for name in order]


READY = condition("Ready", "True")
SPLITS = [{"name": "train", "rows": 4}, {"name": "test", "rows": 1}]


@pytest.mark.parametrize(
    ("name", "bodies", "want"),
    [
        ("sync", [record("Synced")], ("done", "commit cccccccccccc is applied")),
        ("sync", [record("Invalid", "a.yaml:1: no")], ("failed", "a.yaml:1: no")),
        ("sync", [record("Failed", "the server is away")], ("pending", "the server is away")),
        ("ingest", [body("Dataset", READY, rows=5, splits=SPLITS)], ("done", "5 rows, train 4, test 1")),
        ("ingest", [body("Dataset", condition("Ready", "False"))], ("pending", "because")),
        (
            "ingest",
            [body("Dataset", condition("Ready", "False"), condition("Stalled", "True"))],
            ("failed", "because"),
        ),
        ("train", [RUN], ("pending", "")),
        ("train", [RUN, workflow(train="Running")], ("pending", "3/9")),
        ("train", [RUN, workflow(train="Succeeded")], ("done", "train.py")),
        ("train", [RUN, workflow(train="Skipped")], ("done", "in the store already")),
        ("evaluate", [RUN, workflow(train="Succeeded")], ("pending", "")),
        ("train", [STALLED_RUN], ("failed", "because")),
        ("approve", [body("ModelVersion", condition("Approved", "True"))], ("done", "because")),
        (
            "approve",
            [body("ModelVersion", condition("Approved", "False", names.GATE_FAILED))],
            ("failed", "because"),
        ),
        (
            "approve",
            [body("ModelVersion", condition("Approved", "False", names.NOT_EVALUATED))],
            ("pending", "because"),
        ),
        ("serve", [body("ModelServer", READY, url="http://x")], ("done", "http://x")),
        ("serve", [body("ModelServer", condition("Ready", "False"))], ("pending", "because")),
    ],
)
def test_a_stage_is_read_from_its_object(name, bodies, want):
    assert stage(name, *bodies) == want


def test_the_only_object_of_a_kind_is_found():
    assert only(world(RUN), "TrainingRun") == RUN
    assert only(world(RUN), "Dataset") is None
