from datetime import UTC, datetime, timedelta

import pytest

from mlplane.cli.tree import duration, is_settled, tree

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32


def condition(type_, status, reason, message="because"):
    return {"type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 1}


def body(kind, name, spec, *conditions, **status):
    meta = {"name": name, "generation": 1, "creationTimestamp": "2026-01-01T11:59:00Z"}
    return {"kind": kind, "metadata": meta, "spec": spec, "status": {"conditions": list(conditions)} | status}


def dataset(*conditions, **status):
    return body("Dataset", "digits", {}, *conditions, **status)


def run(*conditions, name="digits-1", **status):
    return body(
        "TrainingRun", name, {"dataset": {"name": "digits"}, "model": "digits"}, *conditions, **status
    )


def version(*conditions, run="digits-1"):
    lineage = {"run": {"name": run}, "dataset": {"name": "digits"}}
    spec = {"model": "digits", "artifact": {"digest": DIGEST}, "lineage": lineage}
    return body("ModelVersion", "digits-1a", spec, *conditions)


def server(*conditions, **status):
    return body("ModelServer", "digits", {"follow": {"model": "digits"}}, *conditions, **status)


READY_DATASET = dataset(condition("Ready", "True", "Ingested"), rows=9, splits=[{"name": "test", "rows": 9}])
READY_RUN = run(condition("Ready", "True", "Completed"), progress="4/4", verdict="Passed")
APPROVED = version(
    condition("Ready", "True", "Available"), condition("Approved", "True", "GatesPassed", "fine")
)
SERVING = server(condition("Ready", "True", "Serving"), modelVersion={"name": "digits-1a"}, url="http://x")


def names_of(nodes):
    return [(node.kind, node.name, names_of(node.children)) for node in nodes]


def test_objects_stand_under_what_they_came_from():
    nodes = tree([SERVING, APPROVED, READY_RUN, READY_DATASET], NOW)
    server_ = ("ModelServer", "digits", [])
    version_ = ("ModelVersion", "digits-1a", [server_])
    assert names_of(nodes) == [("Dataset", "digits", [("TrainingRun", "digits-1", [version_])])]
    assert is_settled(nodes)


def test_a_server_on_its_way_to_another_version_is_not_settled_and_says_so():
    rolling = [condition(type_, "True", "RollingOut", "one answers") for type_ in ("Ready", "Reconciling")]
    nodes = tree([server(*rolling, modelVersion={"name": "digits-1a"}, url="http://x")], NOW)
    assert not is_settled(nodes)
    assert [(node.state, node.reason, node.message) for node in nodes] == [
        ("working", "RollingOut", "one answers")
    ]


@pytest.mark.parametrize(
    ("bodies", "want"),
    [
        pytest.param(
            [READY_DATASET, APPROVED],
            [("Dataset", "digits", [("ModelVersion", "digits-1a", [])])],
            id="a version whose run was pruned stands under its dataset",
        ),
        pytest.param([run()], [("TrainingRun", "digits-1", [])], id="a run without its dataset stands alone"),
        pytest.param(
            [run(), server()],
            [("TrainingRun", "digits-1", [("ModelServer", "digits", [])])],
            id="a server that follows a model stands under the run that will make it",
        ),
        pytest.param(
            [server(), dataset()],
            [("Dataset", "digits", []), ("ModelServer", "digits", [])],
            id="roots come in the order of the data flow",
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_has_no_origin_stands_under_the_nearest(bodies, want):
    assert names_of(tree(bodies, NOW)) == want


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param(READY_DATASET, ("ready", "Ingested", ""), id="ready"),
        pytest.param(
            dataset(condition("Ready", "False", "Ingesting")),
            ("working", "Ingesting", "because"),
            id="working",
        ),
        pytest.param(
            run(condition("Ready", "False", "DatasetMissing")),
            ("waiting", "DatasetMissing", "because"),
            id="waiting for something else",
        ),
        pytest.param(
            run(condition("Ready", "False", "RunFailed"), condition("Stalled", "True", "RunFailed")),
            ("failed", "RunFailed", "because"),
            id="stalled",
        ),
        pytest.param(APPROVED, ("ready", "GatesPassed", ""), id="approved"),
        pytest.param(
            version(
                condition("Ready", "True", "Available"), condition("Approved", "False", "GateFailed", "low")
            ),
            ("failed", "GateFailed", "low"),
            id="rejected",
        ),
        pytest.param(
            version(condition("Ready", "True", "Available"), condition("Approved", "False", "NotEvaluated")),
            ("waiting", "NotEvaluated", "because"),
            id="not judged yet",
        ),
        pytest.param(
            {**READY_DATASET, "metadata": {**READY_DATASET["metadata"], "generation": 2}},
            ("waiting", "Ingested", "because"),
            id="the condition speaks of an older spec",
        ),
    ],
)
def test_state_is_read_from_the_conditions(given, want):
    [node] = tree([given], NOW)
    assert (node.state, node.reason, node.message) == want


def test_an_object_that_nobody_has_looked_at_says_what_to_do():
    [node] = tree([{**dataset(), "status": None}], NOW)
    assert (node.state, node.reason) == ("waiting", "Pending")
    assert "mlplane up" in node.message


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (READY_DATASET, "9 rows · test 9"),
        (READY_RUN, "progress 4/4 · verdict Passed"),
        (
            run(progress="3/31", estimatedCompletion="2026-01-02T03:13:00Z", restarts=2),
            "progress 3/31 · done about 2026-01-02T03:13:00Z · 2 restarts",
        ),
        (
            run(trials=[{"index": 1, "state": "Failed"}, {"index": 2, "score": "0.9"}], bestTrial=2),
            "2 trials, 1 failed · best 2: 0.9",
        ),
        (APPROVED, "abababab · fine"),
        (SERVING, "http://x"),
    ],
)
def test_facts_are_what_a_person_asks_for(given, want):
    [node] = tree([given], NOW)
    assert node.facts == want


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (run(condition("Ready", "False", "Running")), "mlplane logs digits-1 --follow"),
        (
            run(condition("Stalled", "True", "RunFailed"), condition("Ready", "False", "RunFailed")),
            "mlplane logs digits-1",
        ),
        (
            dataset(
                condition("Stalled", "True", "IngestFailed"), condition("Ready", "False", "IngestFailed")
            ),
            "mlplane logs dataset/digits",
        ),
        (
            run(condition("Ready", "False", "Suspended"), condition("Suspended", "True", "Suspended")),
            "remove suspend from the manifest of digits-1, and commit",
        ),
        (SERVING, "mlplane predict digits --input FILE"),
        (READY_DATASET, ""),
    ],
)
def test_the_next_command_is_at_hand(given, want):
    [node] = tree([given], NOW)
    assert node.hint == want


@pytest.mark.parametrize(
    ("span", "want"),
    [
        ({"seconds": -1}, "0s"),
        ({"seconds": 119}, "119s"),
        ({"minutes": 2}, "2m"),
        ({"hours": 47}, "47h"),
        ({"days": 9}, "9d"),
    ],
)
def test_durations_are_short(span, want):
    assert duration(timedelta(**span)) == want
