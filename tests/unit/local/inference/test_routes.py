from collections import Counter
from itertools import pairwise
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


def first_of(route: Route, turns: int) -> Counter[Backend]:
    return Counter(route.order(turn)[0] for turn in range(turns))


def test_a_hundred_requests_are_split_exactly_by_the_weights() -> None:
    route = Route("x", (Weighted(75, (A, B)), Weighted(25, (C,))))
    assert first_of(route, 100)[C] == 25
    assert first_of(route, 200) == {A: 75, B: 75, C: 50}


def test_a_small_share_is_spread_over_the_hundred() -> None:
    route = Route("x", (Weighted(90, (A,)), Weighted(10, (C,))))
    turns = [turn for turn in range(200) if route.order(turn)[0] == C]
    assert len(turns) == 20
    assert min(b - a for a, b in pairwise(turns)) > 1


def test_backends_of_one_target_take_turns() -> None:
    route = Route("x", (Weighted(100, (A, B, C)),))
    assert route.order(0) == (A, B, C)
    counted = first_of(route, 300)
    assert counted == {A: 100, B: 100, C: 100}


def test_a_target_without_a_backend_keeps_its_share_and_one_without_weight_gets_none() -> None:
    orders = [
        Route("x", (Weighted(30, ()), Weighted(70, (A,)), Weighted(0, (B,)))).order(t) for t in range(100)
    ]
    assert Counter(orders) == {(): 30, (A,): 70}
    assert Route("x").order(0) == ()


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


def test_the_routes_of_one_service_are_replaced_together() -> None:
    table = Table()
    table.replace("default/a", {"a.localhost": Route("default/a"), "a.svc": Route("default/a")})
    table.replace("default/b", {"b.localhost": Route("default/b")})
    table.replace("default/a", {"a.localhost": Route("default/a")})
    assert sorted(table.routes) == ["a.localhost", "b.localhost"]
