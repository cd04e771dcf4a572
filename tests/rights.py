"""The controller as its manifests have it: a kubeconfig with a token of its account, and no other rights."""

from pathlib import Path

from mlplane.cluster.kube import KubeCluster
from mlplane.local.bootstrap import CONTROLLER
from mlplane.local.manifests import system_manifests
from mlplane.local.state import State


async def controller_kubeconfig(cluster: KubeCluster, state: State) -> Path:
    """Apply the controller's account and rights, and write a kubeconfig with a new token into the state."""
    for body in system_manifests():
        await cluster.apply(body, manager="mlplane-up")
    state.write_controller_kubeconfig(await cluster.token(CONTROLLER, seconds=3600))
    return state.controller_kubeconfig
