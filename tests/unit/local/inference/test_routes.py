from typing import Any

import pytest

from mlplane.local.inference.routes import Backend, Route, Table, Weighted, backend_of, host_of, owners

A, B, C = (Backend("127.0.0.1", port) for port in (1, 2, 3))


def service(name: str, namespace: str, created: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "creationTimestamp": created}}


@pytest.mark.parametrize("header", ["digits-default.localhost", "Digits-Default.LOCALHOST:8000"])
def test_a_host_is_found_whatever_its_case_and_port(header: str) -> None:
    route = Route("default/digits")
    assert Table({"digits-default.localhost": route}).find(header) is route
    assert Table({}).find(header) is None


@pytest.mark.parametrize(
    ("draw", "want"),
    [
        (0.0, (A, B, C)),
        (0.44, (A, B, C)),
        (0.46, (B, A, C)),
        (0.89, (B, A, C)),
        (0.91, (C, A, B)),
        (0.999, (C, A, B)),
    ],
)
def test_weights_decide_who_is_asked_first_and_all_others_stand_behind(
    draw: float, want: tuple[Backend, ...]
) -> None:
    assert Route("x", (Weighted(90, (A, B)), Weighted(10, (C,)))).order(draw) == want


def test_targets_without_weight_or_backends_are_left_out() -> None:
    assert Route("x", (Weighted(0, (A,)), Weighted(100, ()), Weighted(1, (C,)))).order(0.0) == (C,)
    assert Route("x", (Weighted(100, ()),)).order(0.5) == ()


def test_of_two_services_with_one_host_the_older_keeps_it() -> None:
    young = service("a-b", "c", "2026-01-02T00:00:00Z")
    old = service("a", "b-c")
    assert host_of(young) == host_of(old) == "a-b-c.localhost"
    assert owners([young, old])["a-b-c.localhost"] is old


def test_a_pod_listens_where_its_node_says_or_else_on_the_port_that_it_declares() -> None:
    pod = {
        "metadata": {"annotations": {"node.mlplane.dev/port": "4711"}},
        "spec": {"containers": [{"ports": [{"containerPort": 8080}]}]},
        "status": {"podIP": "127.0.0.1"},
    }
    assert backend_of(pod) == Backend("127.0.0.1", 4711)
    pod["metadata"] = {}
    assert backend_of(pod) == Backend("127.0.0.1", 8080)
    pod["status"] = {}
    assert backend_of(pod) is None
