"""The world of the storms: objects that are made, changed and deleted, and what they should become.

The same for both operators: in each storm ``CREATED`` objects are made, ``CHANGED`` older ones get another
spec and ``DELETED`` older ones are deleted. It has converged when each object has exactly the child and the
status of its present spec, and what was deleted is gone with its child. mlplane has, on top of that, runs and
servers on some of the datasets, so that one change leads to the next through four kinds.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import builders as b
from mlplane import names
from mlplane.adapters.datasetworkflows import ingest_workflow_name
from mlplane.api import Dataset
from mlplane.api.conditions import is_current
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.kube import KubeCluster
from mlplane.errors import MlplaneError

CREATED, CHANGED, DELETED, CHAINS = 20, 5, 5, 5
WORKFLOW = (names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND)
SERVICE = (names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND)
RECORDS = {(names.API_VERSION, kind) for kind in ("ModelVersion", "Evaluation")}
Body = dict[str, Any]


def _bare(body: Body) -> Body:
    """As a person applies it."""
    meta = {"name": body["metadata"]["name"], "namespace": "default"}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta, "spec": body["spec"]}


class Datasets:
    """What mlplane is given: Datasets, and TrainingRuns and ModelServers on the first few."""

    api_version, kind = names.API_VERSION, "Dataset"

    def made(self, name: str, revision: int = 0) -> Body:
        body = _bare(b.dataset(name))
        body["spec"]["source"]["git"]["commit"] = f"{revision:040x}"
        return body

    def chained(self, name: str) -> list[Body]:
        run, server = _bare(b.run(f"{name}-run")), _bare(b.server(f"{name}-server"))
        run["spec"] |= {"model": name, "dataset": {"name": name}}
        server["spec"]["follow"]["model"] = name
        return [run, server]

    def child_of(self, body: Body) -> str:
        return ingest_workflow_name(Dataset.model_validate(body))

    def is_done(self, body: Body, _child: Body | None) -> bool:
        """Its Workflow may have gone; its version is there."""
        return is_current(body)


class Things:
    """What the Kopf operator is given: objects of one kind, open to any status."""

    api_version, kind = "peers.mlplane.dev/v1", "Thing"

    def made(self, name: str, revision: int = 0) -> Body:
        meta = {"name": name, "namespace": "default"}
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": meta,
            "spec": {"revision": revision},
        }

    def chained(self, _name: str) -> list[Body]:
        return []

    def child_of(self, body: Body) -> str:
        return str(body["metadata"]["name"])

    def is_done(self, body: Body, child: Body | None) -> bool:
        meant = ((child or {}).get("metadata", {}).get("annotations") or {}).get("made-for")
        generation = (body.get("status") or {}).get("observedGeneration")
        return generation == body["metadata"]["generation"] and meant == json.dumps(body["spec"])


THING_CRD: Body = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.peers.mlplane.dev"},
    "spec": {
        "group": "peers.mlplane.dev",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


class World:
    """The objects of one storm after the other, seen from the API server itself and not through the proxy."""

    def __init__(self, cluster: KubeCluster, given: Datasets | Things) -> None:
        self.cluster = cluster
        self.given = given
        self.children: Counter[str] = Counter()
        """How often a child of each name was made."""
        self._wanted: dict[Ref, Body] = {}
        self._old: list[str] = []

    async def prepare(self, storm: str) -> None:
        """The older objects, as they are before the storm."""
        self._old = [f"{storm}-o{n}" for n in range(CHANGED + DELETED)]
        await self._create([self.given.made(name) for name in self._old])

    async def change(self, storm: str) -> None:
        """What happens in the storm: objects come, change and go."""
        fresh = [f"{storm}-n{n}" for n in range(CREATED)]
        await self._create([self.given.made(name) for name in fresh])
        await self._create([body for name in fresh[:CHAINS] for body in self.given.chained(name)])
        for name in self._old[:CHANGED]:
            body = self.given.made(name, revision=1)
            self._wanted[ref_of(body)] = body
            await self.cluster.patch(ref_of(body), {"spec": body["spec"]}, manager="storms")
        for name in self._old[CHANGED:]:
            ref = ref_of(self.given.made(name))
            del self._wanted[ref]
            await self.cluster.delete(ref)

    async def _create(self, bodies: list[Body]) -> None:
        for body in bodies:
            self._wanted[ref_of(body)] = body
            await self.cluster.create(body, manager="storms")

    async def unfinished(self) -> list[str]:
        """What is not as it should be."""
        kinds = {(ref.api_version, ref.kind) for ref in self._wanted} | {
            (self.given.api_version, self.given.kind)
        }
        found = {ref_of(x): x for kind in kinds for x in await self.cluster.list(Query(*kind, "default"))}
        workflows = {x["metadata"]["name"]: x for x in await self.cluster.list(Query(*WORKFLOW, "default"))}
        faults = [f"{ref} is missing" for ref in self._wanted if ref not in found]
        faults += [
            f"{ref} is still there"
            for ref in found
            if ref not in self._wanted and ref.kind == self.given.kind
        ]
        for ref in self._wanted.keys() & found.keys():
            body = found[ref]
            if ref.kind != self.given.kind:
                faults += [] if is_current(body) else [f"{ref} is not ready"]
            elif not self.given.is_done(body, workflows.get(self.given.child_of(body))):
                faults.append(f"{ref} is not done")
        faults += await self._unjudged()
        return faults + self._repeated() + self._orphans(workflows, found)

    async def _unjudged(self) -> list[str]:
        """What the operator has made of its own kinds, and not reported on yet."""
        records = [x for kind in RECORDS for x in await self.cluster.list(Query(*kind, "default"))]
        return [f"{ref_of(record)} is not ready" for record in records if not is_current(record)]

    def _repeated(self) -> list[str]:
        return [
            f"Workflow/{name} was made {times} times" for name, times in self.children.items() if times > 1
        ]

    @staticmethod
    def _orphans(workflows: dict[str, Body], found: dict[Ref, Body]) -> list[str]:
        owners = {body["metadata"]["uid"] for body in found.values()}
        return [
            f"Workflow/{name} has no owner any more"
            for name, body in workflows.items()
            if not owners & {r["uid"] for r in body["metadata"].get("ownerReferences") or ()}
        ]

    async def clear(self) -> None:
        """Nothing is left of this storm, whatever state it is in."""
        for ref in list(self._wanted):
            with suppress(MlplaneError):
                await self.cluster.delete(ref)
        async with asyncio.timeout(60):
            while left := await self._left():
                for body in left:
                    with suppress(MlplaneError):
                        if body["metadata"].get("finalizers"):
                            await self.cluster.patch(
                                ref_of(body), {"metadata": {"finalizers": None}}, manager="storms"
                            )
                        await self.cluster.delete(ref_of(body))
                await asyncio.sleep(0.1)
        self._wanted.clear()
        self.children.clear()

    async def _left(self) -> list[Body]:
        kinds = {(ref.api_version, ref.kind) for ref in self._wanted}
        return [
            x
            for kind in kinds | RECORDS | {WORKFLOW}
            for x in await self.cluster.list(Query(*kind, "default"))
        ]

    async def follow(self, ready: Callable[[], None]) -> None:
        """Count the children, and play the engines, at once: real ones would take minutes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._workflows(ready))
            group.create_task(self._services())

    async def _workflows(self, ready: Callable[[], None]) -> None:
        async for event in self.cluster.watch(Query(*WORKFLOW, "default")):
            if event.type == "SYNCED":
                ready()
            elif event.type == "ADDED":
                self.children[event.body["metadata"]["name"]] += 1
                if names.OWNER_KIND_LABEL in (event.body["metadata"].get("labels") or {}):
                    await self._report(event.body, _finished(event.body), subresource="")

    async def _services(self) -> None:
        async for event in self.cluster.watch(Query(*SERVICE, "default")):
            if event.type in ("ADDED", "MODIFIED") and not event.body.get("status"):
                name = event.body["metadata"]["name"]
                predictor = event.body["spec"]["predictor"]["name"]
                status = {
                    "url": f"http://{name}.example.com",
                    "address": {"url": f"http://{name}-{predictor}-predictor.default.svc"},
                    "conditions": [{"type": "Ready", "status": "True"}],
                }
                await self._report(event.body, status, subresource="status")

    async def _report(self, body: Body, status: Body, *, subresource: str) -> None:
        for _ in range(100):
            try:
                await self.cluster.patch(
                    ref_of(body), {"status": status}, manager="engines", subresource=subresource
                )
            except MlplaneError:
                await asyncio.sleep(0.2)  # the API server is down
            else:
                return


def _finished(workflow: Body) -> Body:
    labels = workflow["metadata"]["labels"]
    if labels[names.OWNER_KIND_LABEL] == "Dataset":
        version = json.loads(b.ingest_result())
        outputs = {"ingest": {"dataset": json.dumps(version)}}
    else:
        # Each run has a key of its own, so that its records have names of their own.
        key = hashlib.sha256(labels[names.OWNER_NAME_LABEL].encode()).hexdigest()
        outputs = {"publish": {"result": b.run_result().replace(b.RUN_KEY, f"sha256:{key}")}}
    status: Body = b.with_status(workflow, "Succeeded", outputs)["status"]
    return status
