"""A real API server process that tests may kill, a CRD of the tests' own, and waiting without sleeping."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from mlplane.cluster.kube import connect
from mlplane.local.state import State
from rights import controller_kubeconfig

GROUP = "tests.mlplane.dev/v1"


@dataclass
class Server:
    """``python -m mlplane.local.apiserver`` on a state folder."""

    state: State
    process: subprocess.Popen | None = None

    def start(self):
        command = [sys.executable, "-m", "mlplane.local.apiserver", "--state", str(self.state.root)]
        with self.state.log("apiserver").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, number=signal.SIGKILL):
        os.kill(self.process.pid, number)
        self.process.wait(60)


async def eventually(look, seconds=60.0):
    """Wait until ``look()``, plain or async, gives something true; what it gave."""
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


@pytest.fixture(name="eventually")
def _eventually():
    return eventually


@pytest.fixture
def server(tmp_path):
    server = Server(State.create(tmp_path / "plane"))
    server.start()
    yield server
    if server.process.poll() is None:
        server.kill(signal.SIGTERM)


@pytest.fixture
async def cluster(server):
    async with connect(server.state.kubeconfig) as cluster:
        await eventually(lambda: _answers(cluster))
        yield cluster


@pytest.fixture
async def own_kubeconfig(server, cluster):
    """A kubeconfig with the controller's own rights."""
    return await controller_kubeconfig(cluster, server.state)


async def _answers(cluster):
    from mlplane.api.refs import Ref
    from mlplane.errors import Transient

    try:
        return await cluster.get(Ref("v1", "Namespace", "", "default"))
    except Transient:
        return None


@pytest.fixture
def thing_crd():
    """A kind with a status and any content."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.tests.mlplane.dev"},
        "spec": {
            "group": "tests.mlplane.dev",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [version],
        },
    }


@pytest.fixture
async def things(cluster, thing_crd):
    """Creates objects of the tests' kind: ``await things("name", spec…)``."""
    await cluster.apply(thing_crd, manager="test")

    async def create(name, **spec):
        body = {
            "apiVersion": GROUP,
            "kind": "Thing",
            "metadata": {"name": name, "namespace": "default"},
            "spec": spec,
        }
        return await cluster.create(body, manager="test")

    return create
