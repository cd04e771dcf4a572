"""Canaries, failures and probes; all but the model, which is a text, is real."""

import asyncio
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mlplane.api.refs import Ref
from mlplane.local.inference import engine
from mlplane.local.inference.routes import Table
from mlplane.local.inference.seen import QUERIES
from mlplane.store.artifacts import Store
from mlplane.store.uris import resolve
from plane import KUBECTL

pytestmark = pytest.mark.timeout(240)
Body = dict[str, Any]
HERE = Path(__file__).parent
IMAGE = "ghcr.io/mlplane/runtime:test"
RUNTIME: Body = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "ClusterServingRuntime",
    "metadata": {"name": "text"},
    "spec": {
        "supportedModelFormats": [{"name": "text"}],
        "protocolVersions": ["v1"],
        "containers": [
            {
                "name": "kserve-container",
                "image": IMAGE,
                "command": ["python", str(HERE / "predictor.py")],
                "args": ["/mnt/models"],
                "ports": [{"containerPort": 8080}],
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
            }
        ],
    },
}


class Texts:
    """Services of a world whose models are texts."""

    def __init__(self, world: Any, folder: Path) -> None:
        self.world = world
        self._folder = folder
        self._store = Store(world.state.store_url)

    def stored(self, **files: str) -> str:
        """URL of a new model that consists of these files."""
        directory = self._folder / "-".join(files)
        directory.mkdir(exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text)
        return resolve(self._store.put(directory, "models", "text"), self.world.state.store_url)

    async def apply(self, name: str, url: str, *, canary: list[Body] | None = None, **predictor: Any) -> None:
        model = {"modelFormat": {"name": "text"}, "runtime": "text", "storageUri": url}
        annotations = {"serving.kserve.io/deploymentMode": "Standard"} | predictor.pop("annotations", {})
        model |= predictor.pop("model", {})
        spec: Body = {
            "predictor": {"name": name, "automountServiceAccountToken": False, "model": model, **predictor}
        }
        body = {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "digits", "namespace": self.world.namespace, "annotations": annotations},
            "spec": spec | ({"canary": canary} if canary else {}),
        }
        await self.world.cluster.apply(body, manager="inference-tests")

    async def status(self) -> Body:
        self.world.check_alive()
        return (await self.world.service()).get("status") or {}

    async def until(self, holds: Any, what: str, seconds: float = 60) -> Body:
        """The status, once it is as wanted."""
        status = await self.status()
        try:
            async with asyncio.timeout(seconds):
                while not holds(status):
                    await asyncio.sleep(0.05)
                    status = await self.status()
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {what}: {json.dumps(status, indent=1)}") from None
        return status

    async def answers(self, count: int, host: str = "") -> Counter[str]:
        host = host or f"digits-{self.world.namespace}.localhost"
        url = f"http://127.0.0.1:{self.world.gateway_port}/"
        found: Counter[str] = Counter()
        for _ in range(count):
            async with self.world.session.post(url, data=b"x", headers={"Host": host}) as answer:
                found[await answer.text() if answer.status == 200 else str(answer.status)] += 1
        return found

    def logs(self, pod: str, *arguments: str) -> str:
        command = [KUBECTL, "--kubeconfig", str(self.world.state.kubeconfig), "-n", self.world.namespace]
        done = subprocess.run([*command, "logs", pod, *arguments], capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture
async def texts(world: Any, tmp_path: Path) -> Texts:
    await world.cluster.apply(RUNTIME, manager="inference-tests")
    return Texts(world, tmp_path)


def condition(status: Body, kind: str) -> tuple[str, str]:
    found = next((c for c in status.get("conditions") or () if c["type"] == kind), {})
    return found.get("status", ""), found.get("reason", "")


def is_ready(status: Body) -> bool:
    return condition(status, "Ready")[0] == "True"


def canary(name: str, url: str, percent: int) -> Body:
    model = {"name": "kserve-container", "modelFormat": {"name": "text"}, "storageUri": url}
    return {"predictor": {"name": name, "model": model}, "trafficPercent": percent}


async def uids(world: Any) -> dict[str, str]:
    """Workload of each pod, and who it is."""
    return {
        pod["metadata"]["labels"]["app"].removeprefix("isvc."): pod["metadata"]["uid"]
        for pod in await world.pods()
    }


async def test_a_canary_gets_its_share_and_is_promoted_without_a_new_pod(texts: Texts) -> None:
    one, two = texts.stored(answer="one"), texts.stored(answer="two")
    await texts.apply("v-1", one)
    await texts.until(is_ready, "v-1 serves")
    await texts.apply("v-1", one, canary=[canary("v-2", two, 30)])
    status = await texts.until(lambda s: condition(s, "CanaryPredictorReady")[0] == "True", "v-2 is ready")
    assert status["canaryStatuses"] == [
        {"name": "v-2", "ready": True, "trafficPercent": 30, "modelStatus": {"transitionStatus": ""}}
    ]
    assert await texts.answers(100) == {"one": 70, "two": 30}
    own = f"digits-v-2-predictor.{texts.world.namespace}.svc.localhost"
    assert await texts.answers(5, own) == {"two": 5}

    before = await uids(texts.world)
    await texts.apply("v-2", two)
    status = await texts.until(
        lambda s: "v-2" in s["components"]["predictor"].get("url", ""), "v-2 is stable"
    )
    assert await texts.answers(20) == {"two": 20}
    assert "canaryStatuses" not in status
    assert (await uids(texts.world))["digits-v-2-predictor"] == before["digits-v-2-predictor"]

    await texts.apply("v-2", two, annotations={"serving.kserve.io/stop": "true"})
    status = await texts.until(lambda s: condition(s, "Stopped")[0] == "True", "the service has stopped")
    assert (condition(status, "Ready"), "url" in status) == (("False", "Stopped"), False)
    assert await texts.answers(1) == {"404": 1}


async def test_a_canary_that_is_promoted_before_it_has_the_traffic_leaves_a_gap(
    texts: Texts, monkeypatch: Any
) -> None:
    """As in KServe: the old Service goes, then the route moves."""
    urls = {name: texts.stored(answer=name) for name in ("v-1", "v-2", "v-3")}
    delete, gaps = texts.world.cluster.delete, {}

    async def asked_meanwhile(ref: Ref, **more: Any) -> None:
        if ref.kind == "Pod" and ref.name not in gaps:
            gaps[ref.name] = dict(await texts.answers(2))
        await delete(ref, **more)

    await texts.apply("v-1", urls["v-1"])
    await texts.until(is_ready, "v-1 serves")
    monkeypatch.setattr(texts.world.cluster, "delete", asked_meanwhile)
    for old, new, percent in (("v-1", "v-2", 0), ("v-2", "v-3", 100)):
        await texts.apply(old, urls[old], canary=[canary(new, urls[new], percent)])
        await texts.until(lambda s: condition(s, "CanaryPredictorReady")[0] == "True", f"{new} is ready")
        await texts.apply(new, urls[new])
        await texts.until(lambda s, n=new: n in s["components"]["predictor"]["url"], f"{new} is stable")
    assert list(gaps.values()) == [{"503": 2}, {"v-3": 2}]


async def test_a_predictor_that_fails_says_why_and_one_of_another_name_does_not_stand_in(
    texts: Texts,
) -> None:
    await texts.apply("v-1", texts.stored(answer="one"))
    await texts.until(is_ready, "v-1 serves")
    await texts.apply("v-2", texts.stored(crash="the model is broken"))

    def is_blocked(status: Body) -> bool:
        return status["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad"

    status = await texts.until(
        lambda s: is_blocked(s) and "CrashLoopBackOff" in json.dumps(s["conditions"]), "v-2 backs off"
    )
    failure = status["modelStatus"]["lastFailureInfo"]
    assert (failure["reason"], failure["exitCode"]) == ("ModelLoadFailed", 1)
    assert "the model is broken" in failure["message"]
    assert failure["location"].startswith("digits-v-2-predictor-")
    assert status["modelStatus"]["states"] == {
        "activeModelState": "Loaded",
        "targetModelState": "FailedToLoad",
    }
    assert condition(status, "Ready") == ("False", "MinimumReplicasUnavailable")
    assert "the model is broken" in texts.logs(failure["location"], "-c", "kserve-container")
    assert "reading the model" in texts.logs(failure["location"], "-c", "kserve-container", "--previous")
    assert await texts.answers(5) == {"503": 5}

    missing = texts.stored(answer="one").replace("sha256-", "sha256-0")[:-1]
    await texts.apply("v-3", missing)
    status = await texts.until(
        lambda s: "v-3" in s["modelStatus"].get("lastFailureInfo", {}).get("location", ""),
        "v-3 is not fetched",
    )
    failure = status["modelStatus"]["lastFailureInfo"]
    assert failure["exitCode"] != 0
    assert failure["message"].strip() in texts.logs(failure["location"], "-c", "storage-initializer")

    await texts.apply("v-4", texts.stored(answer="four"))
    await texts.until(is_ready, "v-4 serves")
    assert await texts.answers(5) == {"four": 5}


async def test_probes_and_refusals_are_told_at_once(texts: Texts) -> None:
    url = texts.stored(unready="", answer="x")
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    await texts.apply("v-1", url, model={"livenessProbe": probe})

    async def restarts() -> int:
        pods = await texts.world.pods()
        return max(
            (s["restartCount"] for p in pods for s in p["status"].get("containerStatuses", ())), default=0
        )

    async with asyncio.timeout(60):
        while await restarts() < 1:  # noqa: ASYNC110  what is waited for is in another process
            await asyncio.sleep(0.05)
    status = await texts.status()
    assert condition(status, "PredictorReady") == ("False", "MinimumReplicasUnavailable")
    assert condition(status, "IngressReady") == ("False", "Predictor Deployment NotReady")
    assert await texts.answers(1) == {"503": 1}

    await texts.apply("v-1", url, canaryTrafficPercent=10)
    status = await texts.until(
        lambda s: condition(s, "Ready")[1] == "InvalidPredictorSpec", "it is refused", 10
    )
    assert "spec.predictor.canaryTrafficPercent" in status["modelStatus"]["lastFailureInfo"]["message"]
    await texts.apply("v-1", texts.stored(answer="one"), model={"runtime": "gone"})
    failure = (await texts.until(lambda s: "gone" in json.dumps(s), "it waits for its runtime", 10))[
        "modelStatus"
    ]
    assert failure["lastFailureInfo"]["reason"] == "RuntimeNotRecognized"
    await texts.apply(
        "v-1", texts.stored(answer="one"), model={"readinessProbe": {"tcpSocket": {"port": 8080}}}
    )
    await texts.until(is_ready, "it serves")
    assert await texts.answers(3) == {"one": 3}


async def test_pods_that_went_with_their_service_are_not_made_again(world: Any, monkeypatch: Any) -> None:
    """What the engine has seen last is older than the end of the service, with which its Pods have gone."""
    await world.apply(f"store://models/digits/sha256-{'0' * 64}")
    key, made = (world.namespace, "digits"), []

    async def create(body: Body, **_: Any) -> None:
        made.append(body["metadata"]["name"])

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        stale = engine._Engine(world.cluster, Table(), 0, tasks)
        watching = [tasks.create_task(stale.seen.follow(query)) for query in QUERIES]
        while not (stale.seen.is_complete and stale.seen.service(key) and stale.seen.runtimes()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)
        stale.seen._objects["Pod"].clear()  # of their end it has heard
        await world.cluster.delete(world.ref())
        monkeypatch.setattr(world.cluster, "create", create)
        await stale._reconcile(key)
    assert made == []
