"""Whatever is wanted when, and whoever is killed where: once somebody answers, somebody always does.

The decisions of the controller against those of the local inference engine, which takes predictors away as
KServe does, in a small world without processes.
"""

import copy
import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

import builders as b
from mlplane.adapters.kserve import Served, service_for, serving_of
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api import ModelServer
from mlplane.local.inference.planning import Observed, plan
from mlplane.local.inference.routes import Table, backend_of
from mlplane.local.inference.status import status_of
from mlplane.reconcilers.rollout import next_step

HOST = "digits-default.localhost"
RUNTIME = serving_runtime("image")
SERVER = ModelServer.model_validate(b.server())
VERSIONS = [Served(f"sha256:{digit * 64}", f"s3://models/{digit}") for digit in "1234"]


class World:
    """A service, its pods and its route; each actor is a method."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.wanted = VERSIONS[0]
        self.service = None
        self.pods = {}
        self.table = Table()
        self.made = 0

    def controller(self):
        step = next_step(self.service, self.wanted, self.now)
        before = self.service or {"metadata": {"uid": "u1", "creationTimestamp": b.EARLIER}}
        wanted = service_for(SERVER, step.serving)
        if before.get("spec") != wanted["spec"]:
            time = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            entry = {"manager": "mlplane-controller", "operation": "Apply", "time": time}
            meta = before["metadata"] | wanted["metadata"] | {"managedFields": [entry]}
            self.service = before | wanted | {"metadata": meta}

    def kserve(self, actions: int | None = None):
        """One pass of the engine; given a number of actions, it is killed after as many."""
        if self.service is None:
            return
        observed = Observed(
            copy.deepcopy(self.service), {"mlplane-torch": RUNTIME}, tuple(self.pods.values())
        )
        planned = plan(observed)
        gone = [backend_of(pod) for pod in planned.drop]
        todo = [
            partial(self.table.close, "default/digits", gone),
            self.check,
            *(partial(self.delete, pod) for pod in planned.drop),
            partial(self.table.replace, "default/digits", planned.routes),
            *(partial(self.create, pod) for pod in planned.create),
            partial(self.report, observed, planned),
            *(partial(self.delete, pod) for pod in planned.delete),
        ]
        for act in todo[:actions]:
            act()

    def killed_kserve(self):
        self.kserve(self.random.randrange(8))

    def create(self, pod):
        self.made += 1
        status = {"podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "False"}]}
        meta = pod["metadata"] | {"annotations": {"node.mlplane.dev/port": str(self.made)}}
        self.pods.setdefault(meta["name"], pod | {"metadata": meta, "status": status})

    def delete(self, pod):
        self.pods.pop(pod["metadata"]["name"], None)

    def report(self, observed, planned):
        self.service["status"] = status_of(observed, planned, port=80, host_owner="", now=self.now)

    def node(self):
        """A pod becomes ready."""
        for pod in self.pods.values():
            condition = pod["status"]["conditions"][0]
            if condition["status"] == "False":
                pod["status"] = pod["status"] | {"conditions": [condition | {"status": "True"}]}
                return

    def time(self):
        self.now += timedelta(seconds=self.random.choice([1, 4, 700]))

    def person(self):
        self.wanted = self.random.choice(VERSIONS)

    def check(self):
        route = self.table.routes.get(HOST)
        assert route is not None
        there = {backend_of(pod) for pod in self.pods.values()}
        for target in route.targets:
            assert not target.weight or target.backends, "a share of the traffic leads to nobody"
            assert not target.weight or set(target.backends) <= there, "traffic leads to pods that are gone"


@pytest.mark.parametrize("seed", range(50))
def test_from_the_first_answer_on_somebody_always_answers(seed):
    world = World(seed)
    world.check = lambda: None
    for _ in range(5):
        for act in (world.controller, world.kserve, world.node):
            act()
    del world.check
    actors = [world.controller, world.kserve, world.killed_kserve, world.node, world.time, world.person]
    for _ in range(300):
        world.random.choice(actors)()
        world.check()
    for _ in range(12):
        for act in (world.controller, world.kserve, world.node, world.time):
            act()
            world.check()
    found = serving_of(world.service)
    assert (found.stable, found.canary) == (world.wanted, None)
    assert list(world.pods) == [pod for pod in world.pods if world.wanted.predictor in pod]
