"""Make the world as a plan says: create, then apply. Called by ``loop``."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from mlplane.adapters.children import controller_of
from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.api.refs import Ref, ref_of
from mlplane.cluster.port import Cluster
from mlplane.errors import Terminal, Transient
from mlplane.names import CONTROLLER_MANAGER
from mlplane.reconcilers.plan import Plan

Guard = Callable[[], AbstractAsyncContextManager[None]]
"""Each write is made within one. It raises if this process may not write, and breaks off what takes so long
that it may not any more: a write may be sent long after it was begun, by a client that obeys Retry-After.
"""


def unguarded() -> AbstractAsyncContextManager[None]:
    """The guard of an engine that works alone."""
    return nullcontext()


async def act(cluster: Cluster, plan: Plan, guard: Guard = unguarded) -> None:
    """Create and apply the plan's objects, in order; the first failure ends it.

    Args:
        cluster: Where.
        plan: What.
        guard: Around each write.

    Raises:
        Transient: Another try may help.
        Terminal: The server refused an object, or its name is taken by something else.
    """
    for body in plan.create:
        async with guard():
            made = await cluster.create(body, manager=CONTROLLER_MANAGER)
        if made is None:
            await _require_ours(cluster, body)
    for body in plan.apply:
        # What was not there when it was decided may be somebody's now: that is not to be taken over.
        known = "resourceVersion" in body["metadata"]
        async with guard():
            await cluster.apply(body, manager=CONTROLLER_MANAGER, force=known)


async def _require_ours(cluster: Cluster, wanted: Body) -> None:
    """The object that has the name already must have the same controller, told by uid.

    Records have no controller: whoever made one of that name first has made it, if it pins the same bytes.
    """
    ref, owner = ref_of(wanted), controller_of(wanted)
    existing = await cluster.get(ref)
    if existing is None:
        raise Transient(f"{ref} was there and has gone")
    if owner is None:
        if (found := _pinned(existing)) != (meant := _pinned(wanted)):
            raise Terminal(f"{ref} exists and pins {found}, not {meant}: delete it if nothing needs it")
        return
    actual = controller_of(existing)
    if actual is None or actual.get("uid") != owner["uid"]:
        raise Terminal(
            f"{ref} exists and belongs to {_described(actual, ref)}: delete it, or choose another name"
        )


def _pinned(record: Body) -> str:
    """The digest that a record speaks of."""
    pinned = at(record, "spec", "artifact") or at(record, "spec", "modelVersion")
    return text(at(pinned, "digest")) or "nothing"


def _described(controller: Body | None, ref: Ref) -> str:
    if controller is None:
        return "nobody that mlplane knows"
    kind, name, uid = (controller.get(key) for key in ("kind", "name", "uid"))
    return f"{kind} {ref.namespace}/{name} (uid {uid})"
