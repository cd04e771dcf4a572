"""Headers on their way through the gateway: what belongs to one connection stays there. Pure."""

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

_HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "expect",
    }
)  # fmt: skip
"""Headers that speak of one connection only (RFC 9110, 7.6.1), and Expect, which is answered here."""
Headers = CIMultiDict[str]


def forwarded(request: web.BaseRequest, service: str) -> Headers:
    """The request's headers, who asked for what, and whom for.

    Args:
        request: The client's request.
        service: Namespace and name of the InferenceService; KServe's routes tell its predictors.
    """
    headers = end_to_end(request.headers)
    headers["Host"] = (
        request.host
    )  # that of an absolute target, if there is one; Connection cannot take it away
    before = headers.get("X-Forwarded-For")
    peer = request.remote or "unknown"
    headers["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = request.scheme
    headers["KServe-Isvc-Namespace"], headers["KServe-Isvc-Name"] = service.split("/")
    return headers


def end_to_end(headers: CIMultiDictProxy[str]) -> Headers:
    """Headers without those of one connection, by name or because ``Connection`` names them."""
    named = {n.strip().lower() for value in headers.getall("Connection", ()) for n in value.split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named
    )
