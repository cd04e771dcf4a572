"""Whether an object is still there: asked after its children were looked at, and before any are made for it.

Its children go when it goes. So that a child is missing says nothing, unless the owner is found alive later.
Called by all that make children: the controller's engine, and the engines of the local plane.
"""

from mlplane.api.meta import Body
from mlplane.api.refs import ref_of
from mlplane.cluster.port import Cluster


async def is_still_there(cluster: Cluster, body: Body) -> bool:
    """Whether this very object exists and is not being deleted.

    Raises:
        Transient: It could not be asked.
    """
    meta = (await cluster.get(ref_of(body)) or {}).get("metadata", {})
    return meta.get("uid") == body["metadata"]["uid"] and not meta.get("deletionTimestamp")
