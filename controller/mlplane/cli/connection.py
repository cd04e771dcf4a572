"""The cluster of a command, as ``mlplane.whereabouts`` finds it, and what runs on it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplane.whereabouts import found

if TYPE_CHECKING:
    from mlplane.cluster.kube import KubeCluster

Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        help="Which cluster. Default: $KUBECONFIG, then .mlplane/kubeconfig, then ~/.kube/config.",
    ),
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Namespace. Default: the one of the kubeconfig's context.")
]


@asynccontextmanager
async def connected(kubeconfig: Path | None, namespace: str = "") -> AsyncIterator[tuple["KubeCluster", str]]:
    """The cluster, and the namespace to work in.

    Raises:
        InvalidInput: There is no usable kubeconfig.
    """
    from mlplane.cluster.kube import connect

    async with connect(found(kubeconfig)) as cluster:
        yield cluster, namespace or cluster.namespace


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a command's coroutine; Ctrl-C ends it as it ends any program."""
    asyncio.run(main)
