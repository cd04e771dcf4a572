"""The grammar of resource paths. Pure."""

from dataclasses import dataclass
from functools import lru_cache

_NAMESPACE_PARTS = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """What a path below ``/api/v1`` or ``/apis/GROUP/VERSION`` names; empty for what it leaves out."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@lru_cache(maxsize=1024)
def parse(path: str) -> Target | None:
    """Read the path of a collection, an object or a subresource; None if it is none of these.

    ``/namespaces/NAME/status`` and ``…/finalize`` are parts of the namespace; anything else there is a
    collection in it.
    """
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            return _target("", "v1", rest)
        case ["apis", group, version, *rest]:
            return _target(group, version, rest)
    return None


def _target(group: str, version: str, rest: list[str]) -> Target | None:
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and not (len(rest) == 3 and rest[2] in _NAMESPACE_PARTS):
        namespace, rest = rest[1], rest[2:]
    match rest:
        case [plural]:
            return Target(group, version, plural, namespace)
        case [plural, name]:
            return Target(group, version, plural, namespace, name)
        case [plural, name, subresource]:
            return Target(group, version, plural, namespace, name, subresource)
    return None
