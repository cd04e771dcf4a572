"""The port to a Kubernetes API: the few verbs that mlplane needs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref


@dataclass(frozen=True, slots=True)
class Event:
    """A change that a watch has seen. SYNCED follows the initial objects and carries an empty body."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "SYNCED"]
    body: Body


class Cluster(Protocol):
    """What reconcilers and engines do with the world.

    All verbs raise ``Transient`` where another try may help and ``Terminal`` where not; the message
    carries the server's words. Bodies always have apiVersion and kind.
    """

    async def get(self, ref: Ref) -> Body | None:
        """The object, or None."""

    async def list(self, query: Query) -> list[Body]:
        """The objects of a query; all pages."""

    async def versions(self, query: Query) -> dict[Ref, str]:
        """The resourceVersions of the objects of a query; their bodies are not read."""

    def watch(self, query: Query) -> AsyncIterator[Event]:
        """The objects of a query as ADDED, then SYNCED, then every change, for ever.

        Lost connections and expired versions are handled here, by listing again: an object that
        vanished meanwhile comes as DELETED.
        """

    async def create(self, body: Body, *, manager: str) -> Body | None:
        """Create the object; None if one of that name exists already."""

    async def apply(self, body: Body, *, manager: str, force: bool = True) -> Body:
        """Server-side apply; ``force`` takes over fields that others manage, else that is Transient.

        A ``metadata.resourceVersion`` in the body is a precondition: a conflict is Transient.
        """

    async def patch(self, ref: Ref, patch: Body, *, manager: str, subresource: str = "") -> Body | None:
        """Merge-patch the object or its subresource (``status``); None if there is none.

        A ``metadata.resourceVersion`` in the patch is a precondition: a conflict is Transient.
        """

    async def delete(self, ref: Ref, *, uid: str | None = None, grace_seconds: int | None = None) -> None:
        """Delete in the background; no error if it is gone. ``uid`` is a precondition.

        ``grace_seconds=0`` removes a Pod whose processes have ended, as only its node may say.
        """
