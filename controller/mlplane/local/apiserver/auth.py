"""Who makes a request: the holder of the admin token, or a service account; from this machine only.

The names of hosts guard against DNS rebinding: a web page that makes a browser resolve its own domain to
127.0.0.1 sends that domain as Host, and an Origin.
"""

import hmac

from multidict import CIMultiDictProxy

from mlplane.local.apiserver.authority import Authority, forbidden_request
from mlplane.local.apiserver.statuses import ApiError, bad_request
from mlplane.local.apiserver.tokens import Tokens
from mlplane.local.apiserver.users import ACCOUNT_PREFIX, AUTHENTICATED, MASTERS, Attributes, User, account

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")
"""Answered without a token, as by the real server; but not with a wrong one."""
ADMIN = User("mlplane", (MASTERS, AUTHENTICATED))
"""The holder of the admin token."""
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
"""Who asks for a public path; nothing else is answered to somebody without a token."""
_AS_EXTRA = "impersonate-extra-"

Headers = CIMultiDictProxy[str]


def check_origin(headers: Headers) -> None:
    """Let a request in that no web page can have made.

    Raises:
        ApiError: 403 for a foreign Host or any Origin.
    """
    host = headers.get("Host", "")
    if _name(host) not in LOOPBACK:
        raise ApiError(
            403, "Forbidden", f"Host {host!r} is not a name of this machine: use 127.0.0.1 or localhost"
        )
    if "Origin" in headers:
        raise ApiError(403, "Forbidden", "requests from web pages are refused (Origin header)")


def is_public(path: str, headers: Headers) -> bool:
    """Whether a request is answered without asking who makes it: a public path, and no token sent."""
    return path.rstrip("/") in PUBLIC_PATHS and _token(headers) is None


def user_of(headers: Headers, admin_token: str, tokens: Tokens) -> User:
    """Who has sent a request.

    Raises:
        ApiError: 401 without a good token.
    """
    if (sent := _token(headers)) is not None:
        if hmac.compare_digest(sent.encode(errors="surrogateescape"), admin_token.encode()):
            return ADMIN
        if (found := tokens.user_of(sent)) is not None:
            return found
    raise ApiError(401, "Unauthorized", "Unauthorized")


def acting_user(user: User, headers: Headers, authority: Authority) -> User:
    """Whom the request is made as: its sender, or the one that its Impersonate headers name.

    Raises:
        ApiError: 403 if the sender may not be somebody else; 400 for groups of nobody.
    """
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", ()))
    uid = headers.get("Impersonate-Uid", "")
    extra = {
        key.lower().removeprefix(_AS_EXTRA): headers.getall(key)
        for key in headers
        if key.lower().startswith(_AS_EXTRA)
    }
    if not name:
        if groups or uid or extra:
            raise bad_request("requested groups, uid or extra without impersonating a user name")
        return user
    for asked in _impersonations(name, groups, uid, extra):
        decision = authority.policy.decide(user, asked)
        if not decision.allowed:
            raise forbidden_request(user, asked, decision.reason)
    if (found := _account(name)) and not groups:
        return account(*found, uid, extra)
    if AUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return User(name, groups, uid, extra)


def _token(headers: Headers) -> str | None:
    """The bearer token of a request, if it has one."""
    scheme, _, sent = headers.get("Authorization", "").partition(" ")
    return sent.strip() or None if scheme.lower() == "bearer" else None


def _impersonations(
    name: str, groups: tuple[str, ...], uid: str, extra: dict[str, list[str]]
) -> list[Attributes]:
    """What the sender must be allowed to do."""
    other = "authentication.k8s.io"
    if found := _account(name):
        namespace, account_name = found
        first = Attributes("impersonate", resource="serviceaccounts", name=account_name, namespace=namespace)
    else:
        first = Attributes("impersonate", resource="users", name=name)
    asked = [first, *(Attributes("impersonate", resource="groups", name=group) for group in groups)]
    if uid:
        asked.append(Attributes("impersonate", other, "uids", name=uid))
    for key, values in extra.items():
        asked += [Attributes("impersonate", other, "userextras", key, value) for value in values]
    return asked


def _account(user: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user is, if it is one."""
    namespace, _, name = user.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, name) if user.startswith(ACCOUNT_PREFIX) and namespace and name else None


def _name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host
