"""Which failures pass by themselves, as Argo tells by their messages (``OnTransientError``). Pure."""

_PHRASES = (
    "unexpected error when reading response body",
    "stream error when reading response body",
    "Connection closed by foreign host",
    "net/http: TLS handshake timeout",
    "i/o timeout",
    "connection timed out",
    "connection reset by peer",
    "http2: client connection lost",
    "http2: server sent GOAWAY and closed the connection",
    "request did not complete within requested timeout",
    "connect: connection refused",
    "invalid connection",
    "etcdserver: leader changed",
    "etcdserver: request timed out",
    "etcdserver: too many requests",
    "client rate limiter Wait returned an error",
)


def is_transient(message: str) -> bool:
    """Whether a node's message speaks of trouble that passes."""
    return any(phrase in message for phrase in _PHRASES)
