"""What is refused of built-in kinds."""

import pytest

RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def wrong(field, name):
    return (f"spec.{field}.name", "FieldValueInvalid", f'Invalid value: "{name}": {RULE}')


def twice(field, name):
    return (f"spec.{field}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')


def missing(field):
    return (f"spec.{field}.name", "FieldValueRequired", "Required value")


@pytest.mark.parametrize(
    ("containers", "before", "causes"),
    [
        (["A_b"], [], [wrong("containers[0]", "A_b")]),
        (["a.b"], ["B"], [wrong("containers[0]", "a.b"), wrong("initContainers[0]", "B")]),
        (["a", "a"], [], [twice("containers[1]", "a")]),
        (["a"], ["a"], [twice("initContainers[0]", "a")]),
        (
            ["A", "A"],
            [],
            [wrong("containers[0]", "A"), wrong("containers[1]", "A"), twice("containers[1]", "A")],
        ),
        (["", ""], [], [missing("containers[0]"), missing("containers[1]"), twice("containers[1]", "")]),
    ],
)
async def test_names_of_containers_are_labels_and_unique(api, containers, before, causes):
    spec = {
        "containers": [{"name": name, "image": "x"} for name in containers],
        "initContainers": [{"name": name, "image": "x"} for name in before],
    }
    body = {"metadata": {"name": "p"}, "spec": spec}
    status, answer = await api.ask("POST", "/api/v1/namespaces/default/pods", body)
    found = [(each["field"], each["reason"], each["message"]) for each in answer["details"]["causes"]]
    assert (status, found) == (422, causes)


async def test_a_name_of_a_container_has_at_most_63_letters(api):
    path = "/api/v1/namespaces/default/pods"
    for length, expected in ((63, 201), (64, 422)):
        spec = {"containers": [{"name": "a" * length, "image": "x"}]}
        assert (await api.ask("POST", path, {"metadata": {"name": "p"}, "spec": spec}))[0] == expected
