"""What a fresh plane has beside its API server: CRDs, the controller's rights, and what a namespace needs.

Called by ``up`` each time the plane starts; what is as it should be is not written again. On a cluster the
same objects come from ``manifests/``, which is also where those here are read from.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.meta import Body
from mlplane.api.refs import Ref
from mlplane.cluster.port import Cluster
from mlplane.errors import Transient
from mlplane.local.manifests import system_manifests, workspace_manifests
from mlplane.schema.crds import crd_for
from mlplane.schema.foreign import foreign_crds

MANAGER = "mlplane-up"
CONTROLLER = Ref("v1", "ServiceAccount", names.SYSTEM_NAMESPACE, names.CONTROLLER_SERVICE_ACCOUNT)
"""Whom the controller works as."""
RETRY_S = 0.02


async def bootstrap(cluster: Cluster, objects: Iterable[Body], *, while_: Callable[[], None]) -> None:
    """Apply the CRDs, the controller's rights and then the objects, as soon as the API server answers.

    Args:
        cluster: The plane; its API server may still be starting.
        objects: See ``objects_for``.
        while_: Called before each attempt; raises Terminal to give up.

    Raises:
        Terminal: The API server refused an object.
    """
    crds = [*(crd_for(kind) for kind in KINDS.values()), *foreign_crds()]
    namespace, *rights = system_manifests()
    for group in ([crds[0]], [*crds[1:], namespace], [*rights, *objects]):
        try:
            async with asyncio.TaskGroup() as tasks:
                for body in group:
                    tasks.create_task(_apply(cluster, body, while_))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


def objects_for(namespace: str, gitconfig: str, extra: Sequence[Body] = ()) -> list[Body]:
    """The objects of a namespace: accounts with their rights, git configuration, and those given."""
    configuration: Body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.GIT_CONFIG_MAP, "namespace": namespace},
        "data": {names.GIT_CONFIG_KEY: gitconfig},
    }
    return [*workspace_manifests(namespace), configuration, *extra]


async def make_workspace(cluster: Cluster, namespace: str, gitconfig: str) -> None:
    """A namespace for people to work in, with its objects; raises MlplaneError if the server refuses one."""
    space: Body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    for body in [space, *objects_for(namespace, gitconfig)]:
        await cluster.apply(body, manager=MANAGER)


async def _apply(cluster: Cluster, body: Body, while_: Callable[[], None]) -> None:
    while True:
        while_()
        try:
            await cluster.apply(body, manager=MANAGER)
        except Transient:
            await asyncio.sleep(RETRY_S)
        else:
            return
