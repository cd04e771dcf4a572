"""Tables: what ``kubectl get`` prints for built-in kinds and for custom resources."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.api.trainingrun import TrainingRun
from mlplane.local.apiserver import ages, jsonpaths, tables
from mlplane.schema.crds import crd_for

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOON = "2026-01-01T11:55:00Z"


def row(kind: str, body: dict[str, Any], crd_columns: Any = None) -> dict[str, Any]:
    """Cells by the names of their columns."""
    columns = tables.columns_for(crd_columns, kind)
    meta = {"name": "n", "creationTimestamp": NOON}
    item = {"kind": kind} | body | {"metadata": meta | body.get("metadata", {})}
    shown = tables.table([item], columns, list_meta={}, include_object="None", now=NOW)
    names = [column["name"] for column in shown["columnDefinitions"]]
    return dict(zip(names, shown["rows"][0]["cells"], strict=True))


def column(path: str, kind: str = "string") -> list[dict[str, Any]]:
    return [{"name": "C", "type": kind, "jsonPath": path}]


BODY = {
    "spec": {
        "n": 3,
        "f": 1.5,
        "b": True,
        "l": ["p", "q"],
        "m": {"a": 1},
        "when": "2020-01-01T00:00:00Z",
        "nothing": None,
        "dotted.key": "d",
        "items": [{"type": "A", "v": 1}, {"type": "Ready", "v": 2}],
    },
}


# Each cell is what a kube-apiserver 1.36 shows.
@pytest.mark.parametrize(
    ("path", "kind", "want"),
    [
        (".spec.n", "integer", 3),
        (".spec.n", "string", "3"),
        (".spec.n", "boolean", None),
        (".spec.f", "number", 1.5),
        (".spec.f", "integer", 1),
        (".spec.b", "boolean", True),
        (".spec.b", "string", "true"),
        (".spec.b", "integer", None),
        (".spec.l", "string", '["p","q"]'),
        (".spec.m", "string", '{"a":1}'),
        (".spec.l[1]", "string", "q"),
        (".spec.l[-1]", "string", "q"),
        (".spec.l[*]", "string", "p"),
        (".spec.l[7]", "string", None),
        (".spec.when", "date", "6y2d"),
        (".spec.n", "date", None),
        (".spec.nothing", "string", "<no value>"),
        (".spec.missing", "string", None),
        (r".spec.dotted\.key", "string", "d"),
        (".spec['dotted.key']", "string", "d"),
        ('.spec.items[?(@.type=="Ready")].v', "integer", 2),
        (".spec.items[?(@.v>1)].type", "string", "Ready"),
        (".spec.items[?(@.type=='Gone')].v", "integer", None),
        (".metadata.creationTimestamp", "date", "5m"),
    ],
)
def test_a_column_shows_what_its_path_finds(path: str, kind: str, want: Any) -> None:
    assert row("Thing", BODY, column(path, kind)) == {"Name": "n", "C": want}


def test_a_custom_resource_without_columns_shows_name_and_age() -> None:
    assert row("Thing", {}, []) == {"Name": "n", "Age": "5m"}


def test_a_run_of_mlplane_shows_its_reason() -> None:
    version = crd_for(TrainingRun)["spec"]["versions"][0]
    ready = {"type": "Ready", "status": "False", "reason": "Running"}
    shown = row("TrainingRun", {"status": {"conditions": [ready]}}, version["additionalPrinterColumns"])
    assert "Running" in shown.values()
    assert shown["Age"] == "5m"


@pytest.mark.parametrize("path", ["spec.a", ".spec.a[", ".spec[?(@.x]", ".spec..a"])
def test_a_path_that_is_not_understood_is_refused_with_its_place(path: str) -> None:
    with pytest.raises(ValueError, match="is not understood from"):
        jsonpaths.compile_path(path)


def status(**state: Any) -> dict[str, Any]:
    return {"name": "c", "ready": False, "restartCount": 0, "state": state}


@pytest.mark.parametrize(
    ("pod_status", "want"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "NodeShutdown"}, "NodeShutdown"),
        (
            {"phase": "Pending", "containerStatuses": [status(waiting={"reason": "ErrImagePull"})]},
            "ErrImagePull",
        ),
        ({"phase": "Failed", "containerStatuses": [status(terminated={"exitCode": 3})]}, "ExitCode:3"),
        ({"phase": "Failed", "containerStatuses": [status(terminated={"reason": "Error"})]}, "Error"),
        (
            {
                "phase": "Running",
                "containerStatuses": [
                    status(terminated={"reason": "Completed"}),
                    status(running={}) | {"ready": True},
                ],
            },
            "Running",
        ),
        ({"phase": "Pending", "initContainerStatuses": [status(running={})]}, "Init:0/1"),
        (
            {"phase": "Pending", "initContainerStatuses": [status(waiting={"reason": "ErrImagePull"})]},
            "Init:ErrImagePull",
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": [status(terminated={"exitCode": 1, "reason": "Error"})],
            },
            "Init:Error",
        ),
        ({"phase": "Running", "initContainerStatuses": [status(terminated={"exitCode": 0})]}, "Running"),
    ],
)
def test_the_status_of_a_pod_is_its_most_telling_word(pod_status: Any, want: str) -> None:
    spec = {"containers": [{}, {}], "initContainers": [{}]}
    assert row("Pod", {"spec": spec, "status": pod_status})["Status"] == want
    dying = {"metadata": {"deletionTimestamp": NOON}, "spec": spec, "status": pod_status}
    assert row("Pod", dying)["Status"] == "Terminating"


def test_a_pod_counts_ready_containers_and_restarts() -> None:
    ended = {"terminated": {"finishedAt": "2026-01-01T11:59:30Z"}}
    statuses = [{"ready": True, "restartCount": 2, "lastState": ended}, {"ready": False, "restartCount": 0}]
    shown = row("Pod", {"spec": {"containers": [{}, {}]}, "status": {"containerStatuses": statuses}})
    assert (shown["Ready"], shown["Restarts"], shown["Age"]) == ("1/2", "2 (30s ago)", "5m")


@pytest.mark.parametrize(
    ("kind", "body", "want"),
    [
        ("ConfigMap", {"data": {"a": ""}, "binaryData": {"b": ""}}, {"Data": 2}),
        ("Secret", {"type": "Opaque", "data": {"a": ""}}, {"Type": "Opaque", "Data": 1}),
        ("ServiceAccount", {}, {"Secrets": 0}),
        ("Namespace", {"status": {"phase": "Active"}}, {"Status": "Active", "Age": "5m"}),
        ("Lease", {"spec": {"holderIdentity": "me"}}, {"Holder": "me"}),
        ("CustomResourceDefinition", {}, {"Created At": NOON}),
        (
            "Service",
            {"spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}},
            {"Type": "ClusterIP", "External-IP": "<none>", "Port(s)": "80/TCP,53/UDP"},
        ),
        (
            "Node",
            {
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                "spec": {"unschedulable": True},
            },
            {"Status": "Ready,SchedulingDisabled", "Roles": "<none>"},
        ),
        (
            "Event",
            {
                "type": "Warning",
                "reason": "R",
                "involvedObject": {"kind": "Pod", "name": "p"},
                "message": "m\n",
                "lastTimestamp": NOON,
            },
            {"Last Seen": "5m", "Type": "Warning", "Reason": "R", "Object": "pod/p", "Message": "m"},
        ),
    ],
)
def test_a_built_in_kind_shows_its_own_columns(kind: str, body: Any, want: dict[str, Any]) -> None:
    shown = row(kind, body)
    assert {name: shown[name] for name in want} == want


def test_rows_carry_as_much_of_the_object_as_was_asked_for() -> None:
    item = {"kind": "Thing", "metadata": {"name": "n"}, "spec": {}}

    def object_with(include: str) -> Any:
        columns = tables.columns_for([], "Thing")
        return tables.table([item], columns, list_meta={}, include_object=include, now=NOW)["rows"][0][
            "object"
        ]

    assert object_with("None") is None
    assert object_with("Object") == item
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "n"}}
    assert object_with("Metadata") == partial


def test_later_events_of_a_watch_define_no_columns() -> None:
    shown = tables.table(
        [], [], list_meta={"resourceVersion": "1"}, include_object="None", now=NOW, with_columns=False
    )
    assert shown["columnDefinitions"] is None
    assert shown["metadata"] == {"resourceVersion": "1"}


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 61, "3h1m"),
        (47 * 3600, "47h"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (800 * 86400, "2y70d"),
        (3000 * 86400, "8y"),
    ],
)
def test_ages_have_at_most_two_units(seconds: int, want: str) -> None:
    assert ages.human(seconds) == want


@given(st.integers(0, 10**9))
def test_every_age_is_short(seconds: int) -> None:
    then = (NOW - timedelta(seconds=seconds)).isoformat()
    assert len(ages.age_of(then, NOW)) <= 6


@pytest.mark.parametrize(
    ("timestamp", "want"), [(None, "<unknown>"), ("", "<unknown>"), ("soon", "<invalid>")]
)
def test_a_missing_time_has_no_age(timestamp: Any, want: str) -> None:
    assert ages.age_of(timestamp, NOW) == want
