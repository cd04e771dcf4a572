"""Request bodies in Kubernetes' protobuf encoding, as JSON.

Typed kubectl commands (``create namespace``, ``auth can-i``, …) send these and do not fall back to JSON, but
accept JSON in return; so the HTTP layer needs a decoder only, for the kinds that such commands write.
Field numbers are those of the ``generated.proto`` files of Kubernetes.
"""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from mlplane.local.apiserver.statuses import Body, bad_request, unsupported_media_type

MAGIC = b"k8s\x00"

_Message = dict[int, tuple[str, str]]
"""Field number to JSON name and type: a scalar, a message, or one of these after ``[]`` (repeated) or ``{}``
(the values of a map with string keys). Integers and booleans are pointers in Go and kept when zero, but for
``count`` and ``flag``."""

_META = (("metadata", "ObjectMeta"),)


def _fields(*rows: tuple[str, str], start: int = 1) -> _Message:
    return dict(enumerate(rows, start=start))


_REVIEW = {1: ("metadata", "ObjectMeta")}
_MESSAGES: dict[str, _Message] = {
    "AggregationRule": _fields(("clusterRoleSelectors", "[]LabelSelector")),
    "BoundObjectReference": _fields(
        ("kind", "string"), ("apiVersion", "string"), ("name", "string"), ("uid", "string")
    ),
    "ClusterRole": _fields(*_META, ("rules", "[]PolicyRule"), ("aggregationRule", "AggregationRule")),
    "ClusterRoleBinding": _fields(*_META, ("subjects", "[]Subject"), ("roleRef", "RoleRef")),
    "ConfigMap": _fields(*_META, ("data", "{}string"), ("binaryData", "{}bytes"), ("immutable", "bool")),
    "DeleteOptions": _fields(
        ("gracePeriodSeconds", "int"),
        ("preconditions", "Preconditions"),
        ("orphanDependents", "bool"),
        ("propagationPolicy", "string"),
        ("dryRun", "[]string"),
    ),
    "ExtraValue": _fields(("items", "[]string")),
    "LabelSelector": _fields(("matchLabels", "{}string"), ("matchExpressions", "[]LabelSelectorRequirement")),
    "LabelSelectorRequirement": _fields(("key", "string"), ("operator", "string"), ("values", "[]string")),
    "LocalObjectReference": _fields(("name", "string")),
    "LocalSubjectAccessReview": _REVIEW | {2: ("spec", "SubjectAccessReviewSpec")},
    "ManagedFieldsEntry": _fields(
        ("manager", "string"),
        ("operation", "string"),
        ("apiVersion", "string"),
        ("time", "Time"),
        ("", "skip"),
        ("fieldsType", "string"),
        ("fieldsV1", "FieldsV1"),
        ("subresource", "string"),
    ),
    "Namespace": _fields(*_META, ("spec", "NamespaceSpec"), ("status", "NamespaceStatus")),
    "NamespaceSpec": _fields(("finalizers", "[]string")),
    "NamespaceStatus": _fields(("phase", "string")),
    "NonResourceAttributes": _fields(("path", "string"), ("verb", "string")),
    "ObjectMeta": _fields(
        ("name", "string"),
        ("generateName", "string"),
        ("namespace", "string"),
        ("selfLink", "string"),
        ("uid", "string"),
        ("resourceVersion", "string"),
        ("generation", "count"),
        ("creationTimestamp", "Time"),
        ("deletionTimestamp", "Time"),
        ("deletionGracePeriodSeconds", "int"),
        ("labels", "{}string"),
        ("annotations", "{}string"),
        ("ownerReferences", "[]OwnerReference"),
        ("finalizers", "[]string"),
    )
    | {17: ("managedFields", "[]ManagedFieldsEntry")},
    "ObjectReference": _fields(
        ("kind", "string"),
        ("namespace", "string"),
        ("name", "string"),
        ("uid", "string"),
        ("apiVersion", "string"),
        ("resourceVersion", "string"),
        ("fieldPath", "string"),
    ),
    "OwnerReference": {
        1: ("kind", "string"),
        3: ("name", "string"),
        4: ("uid", "string"),
        5: ("apiVersion", "string"),
        6: ("controller", "bool"),
        7: ("blockOwnerDeletion", "bool"),
    },
    "PolicyRule": _fields(
        ("verbs", "[]string"),
        ("apiGroups", "[]string"),
        ("resources", "[]string"),
        ("resourceNames", "[]string"),
        ("nonResourceURLs", "[]string"),
    ),
    "Preconditions": _fields(("uid", "string"), ("resourceVersion", "string")),
    "ResourceAttributes": _fields(
        ("namespace", "string"),
        ("verb", "string"),
        ("group", "string"),
        ("version", "string"),
        ("resource", "string"),
        ("subresource", "string"),
        ("name", "string"),
    ),
    "Role": _fields(*_META, ("rules", "[]PolicyRule")),
    "RoleBinding": _fields(*_META, ("subjects", "[]Subject"), ("roleRef", "RoleRef")),
    "RoleRef": _fields(("apiGroup", "string"), ("kind", "string"), ("name", "string")),
    "Secret": _fields(
        *_META, ("data", "{}bytes"), ("type", "string"), ("stringData", "{}string"), ("immutable", "bool")
    ),
    "SelfSubjectAccessReview": _REVIEW | {2: ("spec", "SelfSubjectAccessReviewSpec")},
    "SelfSubjectAccessReviewSpec": _fields(
        ("resourceAttributes", "ResourceAttributes"), ("nonResourceAttributes", "NonResourceAttributes")
    ),
    "SelfSubjectReview": _REVIEW,
    "SelfSubjectRulesReview": _REVIEW | {2: ("spec", "SelfSubjectRulesReviewSpec")},
    "SelfSubjectRulesReviewSpec": _fields(("namespace", "string")),
    "ServiceAccount": _fields(
        *_META,
        ("secrets", "[]ObjectReference"),
        ("imagePullSecrets", "[]LocalObjectReference"),
        ("automountServiceAccountToken", "bool"),
    ),
    "Service": _fields(*_META, ("spec", "ServiceSpec")),
    "ServicePort": _fields(
        ("name", "string"),
        ("protocol", "string"),
        ("port", "int"),
        ("targetPort", "IntOrString"),
        ("nodePort", "count"),
        ("appProtocol", "string"),
    ),
    "ServiceSpec": _fields(
        ("ports", "[]ServicePort"),
        ("selector", "{}string"),
        ("clusterIP", "string"),
        ("type", "string"),
        ("externalIPs", "[]string"),
        ("", "skip"),
        ("sessionAffinity", "string"),
        ("loadBalancerIP", "string"),
        ("loadBalancerSourceRanges", "[]string"),
        ("externalName", "string"),
        ("externalTrafficPolicy", "string"),
        ("healthCheckNodePort", "count"),
        ("publishNotReadyAddresses", "flag"),
    ),
    "Subject": _fields(
        ("kind", "string"), ("apiGroup", "string"), ("name", "string"), ("namespace", "string")
    ),
    "SubjectAccessReview": _REVIEW | {2: ("spec", "SubjectAccessReviewSpec")},
    "SubjectAccessReviewSpec": _fields(
        ("resourceAttributes", "ResourceAttributes"),
        ("nonResourceAttributes", "NonResourceAttributes"),
        ("user", "string"),
        ("groups", "[]string"),
        ("extra", "{}ExtraValue"),
        ("uid", "string"),
    ),
    "TokenRequest": _REVIEW | {2: ("spec", "TokenRequestSpec")},
    "TokenRequestSpec": {
        1: ("audiences", "[]string"),
        3: ("boundObjectRef", "BoundObjectReference"),
        4: ("expirationSeconds", "int"),
    },
}
_ROOTS = frozenset(
    (
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "DeleteOptions",
        "LocalSubjectAccessReview",
        "Namespace",
        "Role",
        "RoleBinding",
        "Secret",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "SelfSubjectRulesReview",
        "Service",
        "ServiceAccount",
        "SubjectAccessReview",
        "TokenRequest",
    )
)


def decode(data: bytes) -> Body:
    """A request body as the JSON that it stands for, with apiVersion and kind.

    Raises:
        ApiError: 400 when the bytes are broken; 415 for a kind that is not known here.
    """
    if not data.startswith(MAGIC):
        raise bad_request(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    try:
        envelope = dict(_wire(data[len(MAGIC) :]))
        names = dict(_wire(envelope.get(1, b"")))
        api_version, kind = names.get(1, b"").decode(), names.get(2, b"").decode()
        if kind not in _ROOTS:
            raise unsupported_media_type(
                f"the protobuf encoding of {kind or 'objects without a kind'} is not supported: send "
                f"application/json ({', '.join(sorted(_ROOTS))} are understood)"
            )
        return {"apiVersion": api_version, "kind": kind} | _message(_MESSAGES[kind], envelope.get(2, b""))
    except (IndexError, ValueError, AttributeError, TypeError) as error:
        raise bad_request(f"the request body is no valid protobuf message: {error}") from None


def _message(fields: _Message, data: bytes) -> Body:
    result: Body = {}
    for number, raw in _wire(data):
        if number not in fields:
            continue
        name, kind = fields[number]
        if kind.startswith("[]"):
            result.setdefault(name, []).append(_value(kind[2:], raw))
        elif kind.startswith("{}"):
            entry = dict(_wire(raw))
            result.setdefault(name, {})[entry.get(1, b"").decode()] = _value(kind[2:], entry.get(2, b""))
        elif (value := _value(kind, raw)) not in ("", {}, None):
            result[name] = value
    return result


def _value(kind: str, raw: Any) -> Any:
    if (read := _SCALARS.get(kind)) is not None:
        return read(raw)
    found = _message(_MESSAGES[kind], raw)
    return found.get("items", []) if kind == "ExtraValue" else found


def _int_or_string(raw: bytes) -> int | str:
    entry = dict(_wire(raw))
    return str(entry.get(3, b"").decode()) if entry.get(1) else _signed(entry.get(2, 0))


def _time(raw: bytes) -> str | None:
    seconds = _signed(dict(_wire(raw)).get(1, 0))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if raw else None


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values: an integer, or bytes."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                value, position = _varint(data, position)
                yield tag >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, position = _varint(data, position)
            case 5:
                size = 4
            case other:
                raise ValueError(f"wire type {other} is not known")
        if position + size > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than ten bytes")


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "FieldsV1": lambda raw: json.loads(dict(_wire(raw)).get(1, b"{}")),
    "IntOrString": _int_or_string,
    "Time": _time,
    "bool": bool,
    "bytes": lambda raw: base64.b64encode(raw).decode(),
    "count": lambda raw: _signed(raw) or None,
    "flag": lambda raw: bool(raw) or None,
    "int": _signed,
    "skip": lambda _raw: None,
    "string": lambda raw: raw.decode(),
}
