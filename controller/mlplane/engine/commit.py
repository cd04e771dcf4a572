"""Write an object's status, once a pass and only if it differs from what was read. Called by ``loop``.

The write is a merge-patch that holds the differences and the version that was read. So another writer's
change between reading and writing is never overwritten by a conclusion from before it: the server answers
with a conflict, which is Transient, and the next pass concludes anew. A controller that was asleep while
another one took over loses in the same way.
"""

from mlplane.api.meta import Body
from mlplane.api.reading import mapping
from mlplane.api.refs import ref_of
from mlplane.cluster.mergepatch import change
from mlplane.cluster.port import Cluster
from mlplane.errors import Transient
from mlplane.names import CONTROLLER_MANAGER


async def commit(cluster: Cluster, body: Body, status: Body) -> bool:
    """Make ``status`` the object's status; whether anything had to be written.

    Raises:
        Transient: The object was changed since it was read, or the server does not answer.
        Terminal: The server refused it.
    """
    changes = change(mapping(body.get("status")), status)
    if not changes:
        return False
    version = body["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "status": changes}
    written = await cluster.patch(ref_of(body), patch, manager=CONTROLLER_MANAGER, subresource="status")
    if written is None:
        raise Transient(f"{ref_of(body)} went while its status was made")
    return True
