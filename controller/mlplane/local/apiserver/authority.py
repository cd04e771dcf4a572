"""The roles and bindings in the store, asked for each request.

Made once by ``server``; the policy is compiled anew only after one of its objects has changed.
"""

from collections.abc import Iterable, Iterator

from mlplane.local.apiserver.rbac import GROUP, Policy
from mlplane.local.apiserver.rows import Change, Collection
from mlplane.local.apiserver.statuses import ApiError, Body, forbidden
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.users import Attributes, User

# Those that hold everywhere come first: it is they that reasons name.
_ROLES = (Collection(GROUP, "clusterroles"), Collection(GROUP, "roles"))
_BINDINGS = (Collection(GROUP, "clusterrolebindings"), Collection(GROUP, "rolebindings"))


class Authority:
    """Says who may do what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policy: Policy | None = None

    def follow(self, change: Change) -> None:
        """Something has been written."""
        if change.row.key.group == GROUP:
            self._policy = None

    @property
    def policy(self) -> Policy:
        """What holds now."""
        if self._policy is None:
            self._policy = Policy(self._bodies(_ROLES), self._bodies(_BINDINGS))
        return self._policy

    def _bodies(self, collections: Iterable[Collection]) -> Iterator[Body]:
        return (row.decode() for collection in collections for row in self._store.rows(collection))

    def check(self, user: User, asked: Attributes) -> None:
        """Let a request pass.

        Raises:
            ApiError: 403, as the real server words it.
        """
        decision = self.policy.decide(user, asked)
        if not decision.allowed:
            raise forbidden_request(user, asked, decision.reason)


def forbidden_request(user: User, asked: Attributes, reason: str = "") -> ApiError:
    """403 for a request; ``reason`` tells of bindings that could not be followed."""
    if asked.path:
        message = f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"'
        return ApiError(403, "Forbidden", _with(message, reason), bare=True)
    place = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = (
        f'User "{user.name}" cannot {asked.verb} resource "{asked.full_resource}" '
        f'in API group "{asked.group}" {place}'
    )
    return forbidden(asked.group, asked.resource, asked.name, _with(message, reason))


def _with(message: str, reason: str) -> str:
    return f"{message}: RBAC: {reason}" if reason else message
