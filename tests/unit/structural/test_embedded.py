"""Resources inside of resources; messages are those of kube-apiserver 1.36."""

from typing import Any

import pytest

from mlplane.errors import InvalidInput
from mlplane.structural.schemas import Schema

EMBEDDED = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "x-kubernetes-preserve-unknown-fields": True,
}
SCHEMA = Schema.compile(
    {
        "type": "object",
        "properties": {"e": EMBEDDED, "l": {"type": "array", "items": EMBEDDED}},
    }
)


def body(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, **fields}


def test_metadata_of_embedded_resources_is_typed_too() -> None:
    inner = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "foo": 1}, "data": {"a": None}}
    read, unknown = SCHEMA.coerce(body(e=inner, l=[inner]))
    assert read["e"] == read["l"][0] == {**inner, "metadata": {"name": "a"}}
    assert unknown == ["e.metadata.foo", "l[0].metadata.foo"]


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ({"kind": 5}, "e.kind: Invalid value: 5: must be a string"),
        (
            {"metadata": 5},
            "e.metadata: Invalid value: 5: json: cannot unmarshal number into Go value of type v1.ObjectMeta",
        ),
    ],
)
def test_an_embedded_resource_that_cannot_be_read_is_refused(inner: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SCHEMA.coerce(body(e=inner))
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("inner", "fields"),
    [
        ({}, ["e.apiVersion", "e.kind"]),
        ({"apiVersion": "", "kind": "X Y"}, ["e.apiVersion", "e.kind"]),
        ({"apiVersion": "a/b/c", "kind": "X"}, ["e.apiVersion"]),
        (
            {
                "apiVersion": "v1",
                "kind": "X",
                "metadata": {"name": "a/b", "namespace": "Q_Q", "labels": {"-": ""}},
            },
            ["e.metadata.name", "e.metadata.namespace", "e.metadata.labels"],
        ),
    ],
)
def test_an_embedded_resource_obeys_the_rules_of_metadata(inner: Any, fields: list[str]) -> None:
    assert [cause.field for cause in SCHEMA.validate(body(e=inner))] == fields
