"""Failures as the API server words them: ``kind: Status`` with reason, details and causes.

Reference: Kubernetes API conventions, "Response Status Kind"; messages follow
apimachinery's ``api/errors`` so that clients and people see what they are used to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlplane.body import Body
from mlplane.structural.causes import Cause

__all__ = ["ApiError", "Body", "Cause"]


@dataclass
class ApiError(Exception):
    """A request that failed; ``to_status`` is what the client gets."""

    code: int
    reason: str
    message: str
    details: Body = field(default_factory=dict)
    causes: Sequence[Cause] = ()
    warnings: Sequence[str] = ()
    """What the client is told beside the failure."""
    bare: bool = False
    """Details are shown though there are none, as for paths and methods that do not exist."""
    proceed: str = ""
    """A continue token with which a list that has expired can go on."""

    def to_status(self) -> Body:
        """The Status object."""
        details = dict(self.details)
        if self.causes:
            details["causes"] = [_shown(cause) for cause in self.causes]
        status: Body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.proceed} if self.proceed else {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if not self.reason:
            del status["reason"]
        return status | ({"details": details} if details or self.bare or self.reason == "Invalid" else {})


class PageNotFound(Exception):
    """A path that names nothing, where the real server answers in plain text."""


def _shown(cause: Cause) -> Body:
    shown = {"reason": cause.reason, "message": cause.message, "field": cause.field}
    return {key: value for key, value in shown.items() if value}


def _details(group: str, resource: str, name: str) -> Body:
    return {k: v for k, v in (("name", name), ("group", group), ("kind", resource)) if v}


def _qualified(group: str, resource: str) -> str:
    return f"{resource}.{group}" if group else resource


def not_found(group: str, resource: str, name: str) -> ApiError:
    """404 for an object."""
    message = f'{_qualified(group, resource)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(group, resource, name))


def already_exists(group: str, resource: str, name: str, *, deleting: bool = False) -> ApiError:
    """409 for a create."""
    message = f'{_qualified(group, resource)} "{name}" already exists'
    message = f"object is being deleted: {message}" if deleting else message
    return ApiError(409, "AlreadyExists", message, _details(group, resource, name))


def conflict(group: str, resource: str, name: str, why: str) -> ApiError:
    """409 for a stale resourceVersion or a failed precondition."""
    message = f'Operation cannot be fulfilled on {_qualified(group, resource)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(group, resource, name))


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 for an object that breaks its schema or its rules."""
    listed = list(dict.fromkeys(f"{c.field}: {c.message}" for c in causes))
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    message = (
        f'{kind}.{group} "{name}" is invalid: {text}' if group else f'{kind} "{name}" is invalid: {text}'
    )
    details = _details(group, kind, name)
    return ApiError(422, "Invalid", message, details, causes)


def internal(message: str) -> ApiError:
    """500."""
    full = f"Internal error occurred: {message}"
    return ApiError(500, "InternalError", full, {"causes": [{"message": message}]})


def bad_request(message: str) -> ApiError:
    """400 for a request that cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(group: str, resource: str, name: str, why: str) -> ApiError:
    """403; ``name`` is empty for a whole collection."""
    what = _qualified(group, resource)
    message = f'{what} "{name}" is forbidden: {why}' if name else f"{what} is forbidden: {why}"
    return ApiError(403, "Forbidden", message, _details(group, resource, name))


def expired(message: str, proceed: str = "") -> ApiError:
    """410 for a resourceVersion or a continue token that is too old; a token may lead on."""
    return ApiError(410, "Expired", message, proceed=proceed)


def too_large(version: int, current: int) -> ApiError:
    """504 for a resourceVersion that does not exist yet."""
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    cause = Cause("ResourceVersionTooLarge", "", "Too large resource version")
    return ApiError(504, "Timeout", message, {"retryAfterSeconds": 1}, [cause])


def invalid_options(kind: str, causes: Sequence[Cause]) -> ApiError:
    """422 for the options of a request: such as ListOptions."""
    return invalid("meta.k8s.io", kind, "", causes)


def unknown_path() -> ApiError:
    """404 for a path that names nothing."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", bare=True)


def method_not_allowed(group: str, resource: str, verb: str) -> ApiError:
    """405."""
    message = f'{verb} is not supported on resources of kind "{_qualified(group, resource)}"'
    return ApiError(405, "MethodNotAllowed", message, _details(group, resource, ""))


def not_acceptable(message: str = "") -> ApiError:
    """406 for an Accept header that names nothing that there is."""
    types = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    return ApiError(406, "NotAcceptable", message or f"only the following media types are accepted: {types}")


def unsupported_media_type(message: str) -> ApiError:
    """415."""
    return ApiError(415, "UnsupportedMediaType", message)
