"""Who makes a request, and what it is about, as authorization sees them. Pure; made by ``auth``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlplane.local.apiserver.paths import Target, parse
from mlplane.local.apiserver.queries import flag
from mlplane.local.apiserver.statuses import Body

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
ACCOUNT_PREFIX = "system:serviceaccount:"
_ACCOUNT_GROUP = "system:serviceaccounts"
_EXACT_NAME = re.compile(r"(?:^|,)metadata\.name==?([^,=]+)")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class User:
    """Somebody whose word is believed."""

    name: str
    groups: tuple[str, ...]
    uid: str = ""
    extra: Mapping[str, list[str]] = field(default_factory=dict, hash=False)

    def info(self) -> Body:
        """The user as reviews show it."""
        found = {
            "username": self.name,
            "uid": self.uid,
            "groups": list(self.groups),
            "extra": dict(self.extra),
        }
        return {key: value for key, value in found.items() if value}


def account(namespace: str, name: str, uid: str = "", extra: Mapping[str, list[str]] | None = None) -> User:
    """The user that a service account is."""
    groups = (_ACCOUNT_GROUP, f"{_ACCOUNT_GROUP}:{namespace}", AUTHENTICATED)
    return User(f"{ACCOUNT_PREFIX}{namespace}:{name}", groups, uid, extra or {})


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a request is about: a resource, or else a path."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""
    """Set if the request is about no resource."""

    @property
    def full_resource(self) -> str:
        """The resource with its subresource, as rules name it: ``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def attributes(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """What a request is about, as the real server reads it.

    Args:
        method: HTTP method.
        path: Path of the URL.
        query: Its parameters: they tell a watch from a list, and one name from all.
    """
    target = parse(path)
    if target is None:
        return Attributes(method.lower(), path=path)
    verb = "get" if method in ("GET", "HEAD") else _VERBS.get(method, "")
    name = target.name
    if not name and verb in ("get", "delete"):
        verb = {"get": "watch" if flag(query, "watch") else "list", "delete": "deletecollection"}[verb]
        found = _EXACT_NAME.search(query.get("fieldSelector", ""))
        name = found[1] if found else ""
    return Attributes(verb, target.group, target.plural, target.subresource, name, _namespace(target))


def _namespace(target: Target) -> str:
    """A namespace is in itself, for authorization."""
    return target.name if (target.group, target.plural) == ("", "namespaces") else target.namespace
