"""Bodies of reviews and token requests: every field typed, unknown ones left out, null as if absent. Pure.

These kinds are answered and never stored, so they do not pass through ``decoding``. ``reviews`` and
``tokenrequests`` read them here before they look inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlplane.errors import InvalidInput
from mlplane.local.apiserver.gojson import type_name
from mlplane.local.apiserver.statuses import Body, bad_request
from mlplane.structural import objectmeta


@dataclass(frozen=True, slots=True)
class _Struct:
    """An object with its name in Go; fields are structs or Go types, an empty one is anything."""

    name: str
    fields: Mapping[str, "_Struct | str"]


_SCALARS = {"string": str, "int64": int}
_ITEMS = {"[]string": "string", "v1.ExtraValue": "string", "map[string]v1.ExtraValue": "v1.ExtraValue"}
"""Lists and maps, with what is in them."""
_SELECTOR = {"rawSelector": "string", "requirements": ""}
_ATTRIBUTES: dict[str, _Struct | str] = {
    "resourceAttributes": _Struct(
        "ResourceAttributes",
        dict.fromkeys(("namespace", "verb", "group", "version", "resource", "subresource", "name"), "string")
        | {
            "fieldSelector": _Struct("FieldSelectorAttributes", _SELECTOR),
            "labelSelector": _Struct("LabelSelectorAttributes", _SELECTOR),
        },
    ),
    "nonResourceAttributes": _Struct("NonResourceAttributes", {"path": "string", "verb": "string"}),
}
_THEY: dict[str, _Struct | str] = {
    "user": "string",
    "groups": "[]string",
    "extra": "map[string]v1.ExtraValue",
    "uid": "string",
}
_REFERENCE = _Struct("BoundObjectReference", dict.fromkeys(("kind", "apiVersion", "name", "uid"), "string"))


def _kind(
    name: str, status: str, spec: str = "", fields: Mapping[str, _Struct | str] | None = None
) -> _Struct:
    """A kind; its status is only looked at, as the server writes it."""
    specs = {"spec": _Struct(spec, fields or {})} if spec else {}
    return _Struct(name, {**specs, "status": _Struct(status, {})})


_KINDS = {
    each.name: each
    for each in (
        _kind("SelfSubjectReview", "SelfSubjectReviewStatus"),
        _kind(
            "SelfSubjectRulesReview",
            "SubjectRulesReviewStatus",
            "SelfSubjectRulesReviewSpec",
            {"namespace": "string"},
        ),
        _kind(
            "SelfSubjectAccessReview",
            "SubjectAccessReviewStatus",
            "SelfSubjectAccessReviewSpec",
            _ATTRIBUTES,
        ),
        *(
            _kind(name, "SubjectAccessReviewStatus", "SubjectAccessReviewSpec", _ATTRIBUTES | _THEY)
            for name in ("SubjectAccessReview", "LocalSubjectAccessReview")
        ),
        _kind(
            "TokenRequest",
            "TokenRequestStatus",
            "TokenRequestSpec",
            {"audiences": "[]string", "expirationSeconds": "int64", "boundObjectRef": _REFERENCE},
        ),
    )
}


def read(kind: str, body: Body | None) -> Body:
    """The metadata and the typed fields of a review or a token request.

    Args:
        kind: What the path is for.
        body: What was sent.

    Raises:
        ApiError: 400 for a field of the wrong type.
    """
    sent = body or {}
    try:
        meta, _ = objectmeta.read(sent.get("metadata"), "metadata")
        found = _struct(sent, _KINDS[kind], "")
    except InvalidInput as error:
        raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: {error}') from None
    return found | ({"metadata": meta} if meta else {})


def _struct(value: Body, want: _Struct, path: str) -> Body:
    return {
        name: _value(item, want.fields[name], f"{want.name}{path}.{name}", f"{path}.{name}")
        for name, item in value.items()
        if name in want.fields and item is not None
    }


def _value(value: Any, want: _Struct | str, field: str, path: str) -> Any:
    if isinstance(want, _Struct):
        if not isinstance(value, dict):
            raise _misfit(value, field, f"v1.{want.name}")
        return _struct(value, want, path)
    if want in _ITEMS:
        return _items(value, want, field, path)
    if want and type(value) is not _SCALARS[want]:
        raise _misfit(value, field, want)
    return value


def _items(value: Any, want: str, field: str, path: str) -> Any:
    """A list of strings or a map of such lists; null in a list is the empty string, as in Go."""
    inner = _ITEMS[want]
    if want.startswith("map"):
        if not isinstance(value, dict):
            raise _misfit(value, field, want)
        return {key: _value([] if each is None else each, inner, field, path) for key, each in value.items()}
    if not isinstance(value, list):
        raise _misfit(value, field, want)
    return [_value("" if each is None else each, inner, field, path) for each in value]


def _misfit(value: Any, field: str, want: str) -> InvalidInput:
    shown = f" {value}" if want == "int64" and isinstance(value, float) else ""
    return InvalidInput(
        f"json: cannot unmarshal {type_name(value)}{shown} into Go struct field {field} of type {want}"
    )
