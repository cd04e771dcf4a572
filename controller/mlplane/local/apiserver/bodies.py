"""Bodies of requests: JSON, YAML or protobuf become objects."""

from typing import Any

import orjson

from mlplane.local.apiserver import protobuf
from mlplane.local.apiserver.statuses import Body, bad_request, unsupported_media_type
from mlplane.local.apiserver.writes import PatchType

_PATCH_TYPES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}


def decode(content_type: str, data: bytes) -> Any:
    """What a body says.

    Raises:
        ApiError: 400 if it cannot be read; 415 for a type that is not known.
    """
    match content_type:
        case "" | "application/json" | "application/octet-stream":
            return _json(data)
        case "application/yaml" | "text/yaml":
            return _yaml(data)
        case "application/vnd.kubernetes.protobuf":
            return protobuf.decode(data)
    raise unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def decode_patch(content_type: str, data: bytes) -> tuple[PatchType, Any]:
    """The kind of a patch, and what it says.

    Raises:
        ApiError: As for ``decode``.
    """
    kind = _PATCH_TYPES.get(content_type)
    if kind is None:
        raise unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{', '.join(_PATCH_TYPES)}"
        )
    # An apply patch may be JSON under its YAML name, and JSON is read much faster.
    return kind, _yaml(data) if kind == "apply" and not data.lstrip().startswith(b"{") else _json(data)


def decode_options(content_type: str, data: bytes) -> Body:
    """DeleteOptions: a body that may be missing."""
    found = decode(content_type, data) if data.strip() else {}
    if not isinstance(found, dict):
        raise bad_request("DeleteOptions must be an object")
    return found


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from None


def _yaml(data: bytes) -> Any:
    import yaml

    try:
        found = yaml.load(data, yaml.CSafeLoader)
        # Dates and other YAML-only values become what JSON has for them.
        return orjson.loads(orjson.dumps(found))
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise bad_request(f"the body is not YAML: {error}") from None
