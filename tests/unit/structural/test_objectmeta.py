"""Metadata is typed; messages are those of kube-apiserver 1.36."""

from typing import Any

import pytest

from mlplane.errors import InvalidInput
from mlplane.structural import metarules
from mlplane.structural.objectmeta import read

OWNER = {"apiVersion": "v1", "kind": "X", "name": "y", "uid": "u"}


def test_what_metadata_does_not_have_is_left_out_and_named() -> None:
    sent = {"zz": 1, "name": "a", "aa": 2, "labels": {"a": None}, "ownerReferences": [{**OWNER, "q": 1}]}
    found, unknown = read(sent, "metadata")
    assert found == {"name": "a", "labels": {"a": ""}, "ownerReferences": [OWNER]}
    assert unknown == ["metadata.aa", "metadata.ownerReferences[0].q", "metadata.zz"]
    assert read(None, "metadata") == ({}, [])


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ([], "array into Go value of type v1.ObjectMeta"),
        ({"name": 5}, "number into Go struct field ObjectMeta.name of type string"),
        ({"name": 5, "labels": 5}, "number into Go struct field ObjectMeta.labels of type map[string]string"),
        ({"labels": {"a": True}}, "bool into Go struct field ObjectMeta.labels of type string"),
        ({"generation": 1.5}, "number 1.5 into Go struct field ObjectMeta.generation of type int64"),
        ({"finalizers": "x"}, "string into Go struct field ObjectMeta.finalizers of type []string"),
        (
            {"ownerReferences": [{**OWNER, "controller": "x"}]},
            "string into Go struct field OwnerReference.ownerReferences.controller of type bool",
        ),
        (
            {"managedFields": 5},
            "number into Go struct field ObjectMeta.managedFields of type []v1.ManagedFieldsEntry",
        ),
    ],
)
def test_a_wrong_type_is_told_as_go_does(meta: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(meta, "metadata")
    assert str(caught.value) == f"json: cannot unmarshal {words}"


def test_a_time_has_to_be_one() -> None:
    with pytest.raises(InvalidInput, match=r'parsing time "x" as "2006-01-02T15:04:05Z07:00"'):
        read({"creationTimestamp": "x"}, "metadata")


@pytest.mark.parametrize(
    ("key", "problems"),
    [
        ("a.b/c", []),
        ("/a", ["prefix part must be non-empty"]),
        ("x" * 64, ["name part must be no more than 63 bytes"]),
        ("a/b/c", ["a valid label key must consist of"]),
        ("A.b/c", ["prefix part a lowercase RFC 1123 subdomain must consist of"]),
        ("a/", ["name part must be non-empty", "name part must consist of"]),
    ],
)
def test_keys_of_labels_are_judged_part_by_part(key: str, problems: list[str]) -> None:
    found = list(metarules.qualified(key))
    assert len(found) == len(problems)
    assert all(text.startswith(start) for text, start in zip(found, problems, strict=True))


@pytest.mark.parametrize(
    ("meta", "field", "message"),
    [
        ({"finalizers": [""]}, "m.finalizers", 'Invalid value: "": name part must be non-empty'),
        (
            {"finalizers": ["orphan", "foregroundDeletion"]},
            "m.finalizers",
            'Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot '
            "be both set",
        ),
        (
            {"ownerReferences": [{**OWNER, "apiVersion": "a/b/c"}]},
            "m.ownerReferences.apiVersion",
            'Invalid value: "a/b/c": version must not be empty',
        ),
        (
            {"ownerReferences": [OWNER | {"controller": True}, OWNER | {"controller": True, "uid": "v"}]},
            "m.ownerReferences",
            'Only one reference can have Controller set to true. Found "true" in references for X/y and X/y',
        ),
    ],
)
def test_finalizers_and_owners_have_rules(meta: Any, field: str, message: str) -> None:
    cause = next(metarules.problems(meta, "m"))
    assert cause.field == field
    assert message in cause.message


def test_a_finalizer_without_a_domain_is_warned_of_when_it_is_new() -> None:
    meta = {"finalizers": ["x", "old", "a.b/c", "a.b"]}
    found = list(metarules.warnings(meta, {"finalizers": ["old"]}))
    assert [text.partition(": prefer")[0] for text in found] == [
        'metadata.finalizers: "a.b"',
        'metadata.finalizers: "x"',
    ]
