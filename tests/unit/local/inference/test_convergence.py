"""Whatever happens in whatever order, and wherever the engine is killed: it ends as the spec says.

A small world of Pods in which nodes, people and crashes act at random between the steps of the engine.
"""

import copy
import random
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from mlplane.local.inference.planning import Observed, Plan, plan
from mlplane.local.inference.pods import workload_of
from mlplane.local.inference.status import status_of
from mlplane.local.inference.workloads import is_ready, name_of

Body = dict[str, Any]
HOST = "digits-default.localhost"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """The objects, and who changes them."""

    def __init__(self, service: Body, runtime: Body, seed: int) -> None:
        self.service = copy.deepcopy(service)
        self.service["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
        self.runtime = runtime
        self.pods: dict[str, Body] = {}
        self.random = random.Random(seed)
        self._made = 0

    def step(self, actions: int | None = None) -> Plan:
        """One pass of the engine; given a number of actions, it is killed after as many."""
        observed = Observed(self.service, {"mlplane-torch": self.runtime}, tuple(self.pods.values()))
        planned = plan(observed)
        todo = [
            *(partial(self._delete, pod) for pod in planned.drop),
            *(partial(self._create, pod) for pod in planned.create),
            partial(self._report, observed, planned),
            *(partial(self._delete, pod) for pod in planned.delete),
        ]
        for act in todo[:actions]:
            act()
        return planned

    def _report(self, observed: Observed, planned: Plan) -> None:
        self.service["status"] = status_of(observed, planned, port=80, host_owner="", now=NOW)

    def _create(self, pod: Body) -> None:
        self._made += 1
        stamp = f"2026-01-01T00:{self._made // 60:02}:{self._made % 60:02}Z"
        made = copy.deepcopy(pod)
        made["metadata"] |= {"uid": f"p{self._made}", "creationTimestamp": stamp}
        self.pods.setdefault(name_of(pod), made)

    def _delete(self, pod: Body) -> None:
        if name_of(pod) in self.pods:
            self.pods[name_of(pod)]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    def become_ready(self) -> None:
        for pod in self.pods.values():
            self.set_ready(pod, "True")

    def set_ready(self, pod: Body, status: str) -> None:
        ready = {"type": "Ready", "status": status}
        pod["status"] = {"phase": "Running", "podIP": "127.0.0.1", "conditions": [ready]}

    def bury(self) -> None:
        self.pods = {n: p for n, p in self.pods.items() if "deletionTimestamp" not in p["metadata"]}

    def somebody_acts(self) -> None:
        self.random.choice([self._respec, self._flip, self.bury, self._end, self.become_ready])()

    def _respec(self) -> None:
        spec = self.service["spec"]
        version = self.random.choice("1234")
        spec["predictor"] |= {"name": f"v-{version}", "minReplicas": self.random.choice([1, 3])}
        spec["predictor"]["model"]["storageUri"] = f"file:///{self.random.choice('ab')}"
        others = [v for v in "1234" if v != version]
        spec["canary"] = [
            {
                "predictor": {"name": f"v-{name}", "model": {"modelFormat": {"name": "mlplane-torch"}}},
                "trafficPercent": self.random.choice([0, 10, 50]),
            }
            for name in self.random.sample(others, self.random.choice([0, 1, 2]))
        ]

    def remodel(self) -> None:
        """Another model under the same name."""
        predictor = self.service["spec"]["predictor"]
        predictor["model"]["storageUri"] = f"file:///{self.random.choice('abc')}"

    def _flip(self) -> None:
        if self.pods:
            self.set_ready(
                self.random.choice(list(self.pods.values())), self.random.choice(["True", "False"])
            )

    def _end(self) -> None:
        if self.pods:
            self.random.choice(list(self.pods.values()))["status"] = {"phase": "Failed"}


@pytest.mark.parametrize("seed", range(60))
def test_the_pods_become_those_of_the_spec_and_then_nothing_is_done(
    service: Body, runtime: Body, seed: int
) -> None:
    world = World(service, runtime, seed)
    for _ in range(30):
        world.somebody_acts()
        world.step(world.random.choice([0, 1, 2, None]))
    for _ in range(8):
        world.bury()
        world.become_ready()
        settled = world.step()
    assert (settled.drop, settled.create, settled.delete) == ((), (), ())
    assert settled.stable is not None
    wanted = [pod for w in (settled.stable, *settled.canaries) for pod in w.desired]
    assert set(world.pods) == {name_of(pod) for pod in wanted}
    shares = [target.weight for target in settled.routes[HOST].targets]
    assert shares[1:] == [canary.variant.percent for canary in settled.canaries]
    assert sum(shares) == 100
    assert world.service["status"]["modelStatus"]["transitionStatus"] == "UpToDate"
    before = copy.deepcopy(world.service["status"])
    world.step()
    assert world.service["status"] == before


@pytest.mark.parametrize("seed", range(40))
def test_whoever_serves_under_a_name_is_not_taken_away_before_somebody_else_can(
    service: Body, runtime: Body, seed: int
) -> None:
    world = World(service, runtime, seed)
    world.step()
    world.become_ready()
    world.step()
    for _ in range(40):
        world.random.choice([world.remodel, world.bury, world.become_ready])()
        planned = world.step(world.random.choice([0, 1, 2, None]))
        stable = planned.routes[HOST].targets[0]
        assert stable.backends, "the stable share has somebody who answers"
        taken = {name_of(pod) for pod in planned.delete}
        serving = {workload_of(p) for p in world.pods.values() if is_ready(p) and name_of(p) not in taken}
        assert serving
