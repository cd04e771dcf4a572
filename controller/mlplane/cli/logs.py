"""``mlplane logs``: what the steps of a run, or of a dataset's ingest, have printed."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected, run

if TYPE_CHECKING:
    from mlplane.api.meta import Body
    from mlplane.api.refs import Query, Ref
    from mlplane.cluster.kube import KubeCluster

POD_LABEL = "workflows.argoproj.io/workflow"
NODE_ANNOTATION = "workflows.argoproj.io/node-name"
POLL_SECONDS = 0.3


def logs(
    name: Annotated[str, typer.Argument(help="A TrainingRun, or dataset/NAME.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the workflow ends.")] = False,
    step: Annotated[
        str, typer.Option(help="Only this step: ingest, preflight, train, select, evaluate, publish.")
    ] = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Print the logs of the newest attempt of a run, step by step."""
    run(_logs(name, step, follow, kubeconfig, namespace))


async def _logs(name: str, step: str, follow: bool, kubeconfig: Kubeconfig, namespace: str) -> None:
    async with connected(kubeconfig, namespace) as (cluster, chosen):
        workflow = await _workflow(cluster, chosen, name)
        printed = 0
        async for pod in _pods(cluster, workflow, follow):
            shown = step_of(pod)
            if not step or shown.partition("(")[0] == step:
                await _print(cluster, pod, label_of(pod), follow)
                printed += 1
        if not printed:
            typer.secho("no such step has started yet; --follow waits for it", err=True, dim=True)


def step_of(pod: "Body") -> str:
    """Name of the step that a pod carries out: ``train``, and ``train(1)`` where it was tried again."""
    node = (pod["metadata"].get("annotations") or {}).get(NODE_ANNOTATION, "")
    step = str(node).rpartition(".")[2] or str(pod["metadata"]["name"])
    return step.removesuffix("(0)")


def label_of(pod: "Body") -> str:
    """The same, with the number of its trial where the run is a sweep: ``train #3``."""
    node = (pod["metadata"].get("annotations") or {}).get(NODE_ANNOTATION, "")
    trial = re.search(r"\.trial\((\d+):", str(node))
    return f"{step_of(pod)} #{int(trial[1]) + 1}" if trial else step_of(pod)


async def _workflow(cluster: "KubeCluster", namespace: str, name: str) -> "Body":
    """The newest Workflow of a TrainingRun or a Dataset."""
    from mlplane import names
    from mlplane.api.refs import Query
    from mlplane.errors import Terminal

    prefix, _, bare = name.rpartition("/")
    kind = "Dataset" if prefix.lower() in ("dataset", "datasets", "dset") else "TrainingRun"
    labels = ((names.OWNER_KIND_LABEL, kind), (names.OWNER_NAME_LABEL, bare))
    query = Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, namespace, labels)
    workflows = await cluster.list(query)
    if not workflows:
        raise Terminal(f'{kind} "{bare}" has no Workflow in {namespace}: see `mlplane status` for the reason')
    return max(workflows, key=lambda w: (w["metadata"]["creationTimestamp"], w["metadata"]["name"]))


async def _pods(cluster: "KubeCluster", workflow: "Body", follow: bool) -> AsyncIterator["Body"]:
    """The pods of a Workflow that have started, in that order; with ``follow`` until it has ended."""
    from mlplane.api.refs import Query, ref_of

    meta = workflow["metadata"]
    query = Query("v1", "Pod", meta["namespace"], ((POD_LABEL, meta["name"]),))
    seen: set[str] = set()
    while True:
        ended = await _has_ended(cluster, ref_of(workflow)) or not follow
        for pod in await _started(cluster, query):
            if pod["metadata"]["uid"] not in seen:
                seen.add(pod["metadata"]["uid"])
                yield pod
        if ended:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _has_ended(cluster: "KubeCluster", ref: "Ref") -> bool:
    found = await cluster.get(ref)
    return found is None or bool((found.get("status") or {}).get("finishedAt"))


async def _started(cluster: "KubeCluster", query: "Query") -> list["Body"]:
    """Pods whose container runs or has run, oldest first."""
    pods = [pod for pod in await cluster.list(query) if _start_of(pod)]
    return sorted(pods, key=lambda pod: (_start_of(pod), pod["metadata"]["name"]))


def _start_of(pod: "Body") -> str:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        state = container.get("state") or {}
        ran = state.get("running") or state.get("terminated") or {}
        return str(ran.get("startedAt") or "")
    return ""


async def _print(cluster: "KubeCluster", pod: "Body", step: str, follow: bool) -> None:
    from mlplane.api.refs import ref_of

    prefix = typer.style(f"{step:<9} | ", dim=True)
    async for line in cluster.logs(ref_of(pod), "main", follow=follow):
        typer.echo(prefix + line.rstrip("\n"))
