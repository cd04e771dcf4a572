"""An object against its schema: unknown fields, defaults, validation. Pure."""

from typing import Literal

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body, bad_request, invalid

FieldValidation = Literal["Strict", "Warn", "Ignore"]


def conform(
    resource: Resource, body: Body, old: Body | None, wanted: FieldValidation
) -> tuple[Body, list[str]]:
    """Prune, default and validate.

    Args:
        resource: The kind.
        body: The object that a client wants to write, metadata included.
        old: The live object, for transition rules.
        wanted: What to do about unknown fields.

    Returns:
        The object to store, and warnings for the client.

    Raises:
        ApiError: 400 for unknown fields under Strict; 422 if the schema is broken.
    """
    schema = resource.schema
    if schema is None:
        return body, []
    body, unknown = schema.prune(body)
    if unknown and wanted == "Strict":
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"strict decoding error: {listed}"
        )
    body = schema.default(body)
    causes = schema.validate(body, old)
    if causes:
        raise invalid(resource.group, resource.kind, body["metadata"].get("name", ""), causes)
    return body, [f'unknown field "{path}"' for path in unknown] if wanted == "Warn" else []
