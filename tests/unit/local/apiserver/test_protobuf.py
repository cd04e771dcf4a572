"""Bodies as typed kubectl commands send them; the bytes below were built field by field."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.local.apiserver.protobuf import MAGIC, decode
from mlplane.local.apiserver.statuses import ApiError


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = b""
    while True:
        byte, value = value & 0x7F, value >> 7
        out += bytes((byte | (0x80 if value else 0),))
        if not value:
            return out


def field(number: int, value: Any) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def message(*fields: tuple[int, Any]) -> bytes:
    return b"".join(field(number, value) for number, value in fields)


def request(api_version: str, kind: str, *fields: tuple[int, Any]) -> bytes:
    return MAGIC + message((1, message((1, api_version), (2, kind))), (2, message(*fields)), (3, ""), (4, ""))


def test_a_namespace_as_kubectl_creates_it() -> None:
    meta = message((1, "team"), (2, ""), (3, ""), (7, 0), (8, b""))
    data = request("v1", "Namespace", (1, meta), (2, b""), (3, message((1, ""))))
    assert decode(data) == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}


def test_metadata_is_read_in_full() -> None:
    owner = message((5, "v1"), (1, "ConfigMap"), (3, "o"), (4, "u"), (6, 1), (7, 0))
    managed = message(
        (1, "m"), (2, "Update"), (3, "v1"), (4, message((1, 0))), (6, "FieldsV1"), (7, field(1, '{"f:a":{}}'))
    )
    meta = message(
        (1, "n"),
        (7, 3),
        (8, message((1, 1767225600))),
        (10, 0),
        (11, message((1, "l"), (2, "1"))),
        (12, message((1, "a"), (2, ""))),
        (13, owner),
        (14, "x/y"),
        (17, managed),
    )
    assert decode(request("v1", "ConfigMap", (1, meta)))["metadata"] == {
        "name": "n",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 0,
        "labels": {"l": "1"},
        "annotations": {"a": ""},
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "o",
                "uid": "u",
                "controller": True,
                "blockOwnerDeletion": False,
            }
        ],
        "finalizers": ["x/y"],
        "managedFields": [
            {
                "manager": "m",
                "operation": "Update",
                "apiVersion": "v1",
                "time": "1970-01-01T00:00:00Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:a": {}},
            }
        ],
    }


@given(st.dictionaries(st.text(max_size=5), st.binary(max_size=300), max_size=3))
def test_the_data_of_a_secret_become_base64(data: dict[str, bytes]) -> None:
    entries = [(2, message((1, key), (2, value))) for key, value in data.items()]
    decoded = decode(request("v1", "Secret", *entries, (3, "Opaque"), (5, 1)))
    assert {key: base64.b64decode(value) for key, value in decoded.get("data", {}).items()} == data
    assert (decoded["type"], decoded["immutable"]) == ("Opaque", True)


@pytest.mark.parametrize(
    ("kind", "fields", "want"),
    [
        (
            "ServiceAccount",
            [(4, 0), (2, message((3, "s")))],
            {"automountServiceAccountToken": False, "secrets": [{"name": "s"}]},
        ),
        (
            "SelfSubjectAccessReview",
            [(2, message((1, message((1, "d"), (2, "get"), (5, "pods")))))],
            {"spec": {"resourceAttributes": {"namespace": "d", "verb": "get", "resource": "pods"}}},
        ),
        ("SelfSubjectRulesReview", [(2, message((1, "d")))], {"spec": {"namespace": "d"}}),
        ("SelfSubjectReview", [], {}),
        (
            "SubjectAccessReview",
            [(2, message((3, "me"), (4, "g"), (5, message((1, "k"), (2, message((1, "x")))))))],
            {"spec": {"user": "me", "groups": ["g"], "extra": {"k": ["x"]}}},
        ),
        (
            "TokenRequest",
            [(2, message((1, "aud"), (4, 600)))],
            {"spec": {"audiences": ["aud"], "expirationSeconds": 600}},
        ),
        (
            "DeleteOptions",
            [(1, 0), (2, message((1, "u"))), (4, "Background"), (5, "All")],
            {
                "gracePeriodSeconds": 0,
                "preconditions": {"uid": "u"},
                "propagationPolicy": "Background",
                "dryRun": ["All"],
            },
        ),
        ("DeleteOptions", [(1, -1)], {"gracePeriodSeconds": -1}),
    ],
)
def test_each_kind_that_kubectl_sends_is_understood(kind: str, fields: Any, want: dict[str, Any]) -> None:
    assert decode(request("g/v1", kind, *fields)) == {"apiVersion": "g/v1", "kind": kind} | want


def test_a_service_as_kubectl_creates_it() -> None:
    number, name = message((1, 0), (2, 81), (3, "")), message((1, 1), (2, 0), (3, "http"))
    ports = [
        message((1, "a"), (2, "TCP"), (3, 80), (4, number), (5, 0)),
        message((3, 90), (4, name), (5, 30100)),
    ]
    spec = message(
        *((1, port) for port in ports), (2, message((1, "app"), (2, "x"))), (4, "NodePort"), (13, 0)
    )
    assert decode(request("v1", "Service", (1, message((1, "x"))), (2, spec)))["spec"] == {
        "ports": [
            {"name": "a", "protocol": "TCP", "port": 80, "targetPort": 81},
            {"port": 90, "targetPort": "http", "nodePort": 30100},
        ],
        "selector": {"app": "x"},
        "type": "NodePort",
    }


def test_unknown_fields_are_skipped() -> None:
    fixed = varint(20 << 3 | 1) + b"12345678" + varint(21 << 3 | 5) + b"1234"
    data = MAGIC + message((1, message((1, "v1"), (2, "ConfigMap")))) + field(2, fixed + field(22, "x"))
    assert decode(data) == {"apiVersion": "v1", "kind": "ConfigMap"}


def test_another_kind_is_an_unsupported_media_type() -> None:
    with pytest.raises(ApiError) as caught:
        decode(request("apps/v1", "Deployment"))
    assert (caught.value.code, caught.value.reason) == (415, "UnsupportedMediaType")
    assert "Deployment" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", MAGIC + b"\x0a", MAGIC + b"\x0a\x7f", MAGIC + b"\x08" + b"\xff" * 12, MAGIC + b"\x0b"],
)
def test_broken_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(ApiError):
        decode(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(noise: bytes) -> None:
    whole = request("v1", "Secret", (1, noise), (2, noise))
    for data in (MAGIC + noise, whole, whole[: len(noise)]):
        code = 0
        try:
            decode(data)
        except ApiError as error:
            code = error.code
        assert code in {0, 400, 415}
