"""Which verb a request is, and whether its path has that verb. Pure.

Refusals are the real server's, which differ between built-in kinds and custom ones.
"""

from mlplane.local.apiserver.paths import Target
from mlplane.local.apiserver.queries import Query, flag
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import (
    ApiError,
    PageNotFound,
    bad_request,
    method_not_allowed,
    not_found,
    unknown_path,
)

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PART_VERBS = {"finalize": ("update",), "log": ("get",), "token": ("create",)}
_STATUS_VERBS = ("get", "update", "patch")


def verb_of(method: str, target: Target, query: Query) -> str:
    """The verb of a request; empty for a method that means nothing here."""
    if method in ("GET", "HEAD"):
        if target.name:
            return "get"
        return "watch" if flag(query, "watch") else "list"
    return "deletecollection" if method == "DELETE" and not target.name else _VERBS.get(method, "")


def check(resource: Resource, target: Target, method: str, verb: str) -> None:
    """Refuse what a path does not have.

    Raises:
        ApiError: 400, 404 or 405.
        PageNotFound: As the real server answers for paths of custom resources that name nothing.
    """
    if resource.custom:
        _check_custom(resource, target, verb)
    else:
        _check_built_in(resource, target, method, verb)


def _check_custom(resource: Resource, target: Target, verb: str) -> None:
    if not _is_placed(resource, target, verb):
        raise PageNotFound
    if target.subresource and target.subresource not in resource.subresources:
        raise not_found(resource.group, resource.plural, target.name)
    if not verb or (target.subresource and verb not in _STATUS_VERBS):
        raise method_not_allowed(resource.group, resource.plural, verb)
    if verb in ("update", "patch") and not target.name:
        raise bad_request("name must be provided")


def _check_built_in(resource: Resource, target: Target, method: str, verb: str) -> None:
    if target.subresource and target.subresource not in resource.subresources:
        raise unknown_path()
    if not _is_placed(resource, target, verb) and (target.name or target.namespace):
        raise unknown_path()
    allowed: tuple[str, ...] = resource.verbs
    if target.subresource:
        allowed = _PART_VERBS.get(target.subresource, _STATUS_VERBS)
    elif target.name:
        allowed = tuple(verb for verb in allowed if verb != "create")
    nameless = verb in ("update", "patch") and not target.name
    if verb not in allowed or method == "HEAD" or nameless or not _is_placed(resource, target, verb):
        raise _not_here()


def _is_placed(resource: Resource, target: Target, verb: str) -> bool:
    """Whether a path names a namespace if, and only if, it must; lists and watches may span all."""
    if resource.namespaced and not target.namespace:
        return not target.name and verb in ("list", "watch")
    return resource.namespaced or not target.namespace


def _not_here() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, bare=True)
