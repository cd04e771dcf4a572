"""Who may talk to the server: holders of the token, from this machine, through a loopback name.

The names guard against DNS rebinding: a web page that makes a browser resolve its own domain to 127.0.0.1
sends that domain as Host, and an Origin.
"""

import hmac
from collections.abc import Mapping

from mlplane.local.apiserver.statuses import ApiError

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")
"""Answered without a token, as by the real server."""


def check(path: str, headers: Mapping[str, str], token: str) -> None:
    """Let a request in.

    Raises:
        ApiError: 403 for a foreign Host or any Origin; 401 without the right token.
    """
    host = headers.get("Host", "")
    if _name(host) not in LOOPBACK:
        raise ApiError(
            403, "Forbidden", f"Host {host!r} is not a name of this machine: use 127.0.0.1 or localhost"
        )
    if "Origin" in headers:
        raise ApiError(403, "Forbidden", "requests from web pages are refused (Origin header)")
    if path.rstrip("/") in PUBLIC_PATHS:
        return
    scheme, _, sent = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), token.encode()):
        raise ApiError(401, "Unauthorized", "Unauthorized")


def _name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host
