"""Make the world as a plan says: create, then apply. Called by ``loop``."""

from mlplane.api.meta import Body
from mlplane.api.refs import Ref, ref_of
from mlplane.cluster.port import Cluster
from mlplane.errors import Terminal, Transient
from mlplane.names import CONTROLLER_MANAGER
from mlplane.reconcilers.plan import Plan


async def act(cluster: Cluster, plan: Plan) -> None:
    """Create and apply the plan's objects, in order; the first failure ends it.

    Raises:
        Transient: Another try may help.
        Terminal: The server refused an object, or its name is taken by something else.
    """
    for body in plan.create:
        if await cluster.create(body, manager=CONTROLLER_MANAGER) is None:
            await _require_ours(cluster, body)
    for body in plan.apply:
        await cluster.apply(body, manager=CONTROLLER_MANAGER)


async def _require_ours(cluster: Cluster, wanted: Body) -> None:
    """The object that has the name already must have the same controller, told by uid.

    Records have no controller: whoever made one of that name first has made it, if it pins the same bytes.
    """
    ref, owner = ref_of(wanted), _controller(wanted)
    existing = await cluster.get(ref)
    if existing is None:
        raise Transient(f"{ref} was there and has gone")
    if owner is None:
        if (found := _pinned(existing)) != (meant := _pinned(wanted)):
            raise Terminal(f"{ref} exists and pins {found}, not {meant}: delete it if nothing needs it")
        return
    actual = _controller(existing)
    if actual is None or actual["uid"] != owner["uid"]:
        raise Terminal(
            f"{ref} exists and belongs to {_described(actual, ref)}: delete it, or choose another name"
        )


def _pinned(record: Body) -> str:
    """The digest that a record speaks of."""
    spec = record["spec"]
    return str((spec.get("artifact") or spec.get("modelVersion") or {}).get("digest"))


def _controller(body: Body) -> Body | None:
    references: list[Body] = body["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def _described(controller: Body | None, ref: Ref) -> str:
    if controller is None:
        return "nobody that mlplane knows"
    return f"{controller['kind']} {ref.namespace}/{controller['name']} (uid {controller['uid']})"
