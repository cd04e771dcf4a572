"""Failures as the API server words them: ``kind: Status`` with reason, details and causes.

Reference: Kubernetes API conventions, "Response Status Kind"; messages follow
apimachinery's ``api/errors`` so that clients and people see what they are used to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlplane.api.meta import Body
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

    def to_status(self) -> Body:
        """The Status object."""
        details = dict(self.details)
        if self.causes:
            details["causes"] = [
                {"reason": c.reason, "message": c.message, "field": c.field} for c in self.causes
            ]
        status: Body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        return status | ({"details": details} if details else {})


def _details(group: str, resource: str, name: str) -> Body:
    return {k: v for k, v in (("name", name), ("group", group), ("kind", resource)) if v}


def _qualified(group: str, resource: str) -> str:
    return f"{resource}.{group}" if group else resource


def not_found(group: str, resource: str, name: str) -> ApiError:
    """404 for an object."""
    message = f'{_qualified(group, resource)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(group, resource, name))


def already_exists(group: str, resource: str, name: str) -> ApiError:
    """409 for a create."""
    message = f'{_qualified(group, resource)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(group, resource, name))


def conflict(group: str, resource: str, name: str, why: str) -> ApiError:
    """409 for a stale resourceVersion or a failed precondition."""
    message = f'Operation cannot be fulfilled on {_qualified(group, resource)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(group, resource, name))


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 for an object that breaks its schema or its rules."""
    listed = [f"{c.field}: {c.message}" for c in causes]
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    message = (
        f'{kind}.{group} "{name}" is invalid: {text}' if group else f'{kind} "{name}" is invalid: {text}'
    )
    details = _details(group, kind, name)
    return ApiError(422, "Invalid", message, details, causes)


def bad_request(message: str) -> ApiError:
    """400 for a request that cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(group: str, resource: str, name: str, why: str) -> ApiError:
    """403."""
    message = f'{_qualified(group, resource)} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, _details(group, resource, name))


def expired(message: str) -> ApiError:
    """410 for a resourceVersion or a continue token that is too old."""
    return ApiError(410, "Expired", message)


def method_not_allowed(group: str, resource: str) -> ApiError:
    """405."""
    message = f"the server does not allow this method on the requested resource {_qualified(group, resource)}"
    return ApiError(405, "MethodNotAllowed", message, _details(group, resource, ""))


def unsupported_media_type(message: str) -> ApiError:
    """415."""
    return ApiError(415, "UnsupportedMediaType", message)
