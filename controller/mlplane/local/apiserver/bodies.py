"""Bodies of requests: JSON, YAML or protobuf become objects."""

import contextlib
from dataclasses import dataclass
from typing import Any

from mlplane.local.apiserver import gojson, protobuf
from mlplane.local.apiserver.statuses import Body, bad_request, unsupported_media_type
from mlplane.local.apiserver.writes import PatchType

_PATCH_TYPES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_UNKNOWN = "the body of the request was in an unknown format - accepted media types include: "
_DEFAULT_TYPE = "application/octet-stream"
"""What aiohttp says when the client says nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a body says."""

    value: Any
    complaints: tuple[str, ...] = ()
    """What strict reading does not forgive: fields that occur twice."""


def decode(content_type: str, data: bytes, header: str | None = None) -> Document:
    """Read a body.

    Args:
        content_type: Its type.
        data: The body.
        header: The Content-Type header as it was sent; None when there was none.

    Raises:
        ValueError: It cannot be read; the text says why as Go does.
        ApiError: 400 for malformed protobuf; 415 for a type that is not known.
    """
    if content_type == "application/json" or (content_type in ("", _DEFAULT_TYPE) and not header):
        return _json(data)
    match content_type:
        case "application/yaml" | "text/yaml":
            value, resets = gojson.load_yaml(data)
            if resets:
                resets[0] = f"yaml: unmarshal errors:\n  {resets[0]}"
                resets = [resets[0], *(f"  {line}" for line in resets[1:])]
                return Document(value, ("\n".join(resets),))
            return Document(value)
        case "application/vnd.kubernetes.protobuf":
            return Document(protobuf.decode(data))
    raise unsupported_media_type(
        f"{_UNKNOWN}application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def decode_patch(content_type: str, data: bytes, *, custom: bool) -> tuple[PatchType, Document]:
    """The kind of a patch, and what it says.

    Args:
        content_type: Its type.
        data: The body.
        custom: Whether a custom resource is patched, which takes no strategic merge patch.

    Raises:
        ApiError: 400 if it cannot be read; 415 for a type that is not known.
    """
    kind = _PATCH_TYPES.get(content_type)
    if kind is None or (custom and kind == "strategic"):
        known = [name for name, each in _PATCH_TYPES.items() if not (custom and each == "strategic")]
        raise unsupported_media_type(_UNKNOWN + ", ".join(known))
    if kind == "apply":
        return kind, _apply(data)
    try:
        return kind, _json(data)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from None


def _apply(data: bytes) -> Document:
    """An apply patch may be JSON under its YAML name, and JSON is read much faster."""
    if data.lstrip().startswith(b"{"):
        with contextlib.suppress(ValueError):
            value = gojson.loads(data)
            if not gojson.duplicates(data):
                return Document(value)
    try:
        value, resets = gojson.load_yaml(data)
    except ValueError as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    return Document(value, tuple(resets))


def decode_options(content_type: str, data: bytes) -> Body:
    """DeleteOptions: a body that may be missing.

    Raises:
        ApiError: 400 if it is no object.
    """
    try:
        found = decode(content_type, data).value if data.strip() else {}
    except ValueError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    if not isinstance(found, dict):
        raise bad_request("DeleteOptions must be an object")
    return found


def _json(data: bytes) -> Document:
    value = gojson.loads(data)
    return Document(value, tuple(f'duplicate field "{path}"' for path in gojson.duplicates(data)))
