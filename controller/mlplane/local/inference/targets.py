"""What a request line asks for, as a path to ask a backend for. Pure; for ``gateway``."""


def origin_form(target: str) -> str | None:
    """The path and the query of a request target, as they were sent (RFC 9112, 3.2).

    Args:
        target: The middle of the request line.

    Returns:
        What begins with a slash; None for a target that has no path, or not one of HTTP.
    """
    if not target.startswith("/"):
        scheme, separator, rest = target.partition("://")
        if scheme.lower() != "http" or not separator:
            return None
        authority_ends = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        target = rest[authority_ends:]
        target = target if target.startswith("/") else f"/{target}"
    return target
