"""The three kinds of patch that clients send, apart from apply."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.local.apiserver.patches import json_patch, merge_patch, strategic_merge_patch
from mlplane.local.apiserver.statuses import ApiError

UNFIT = "the server rejected our request due to an error in our request"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("ab", max_size=2), JSON, max_size=4)


# RFC 7386, appendix A, as far as the target is an object.
@pytest.mark.parametrize(
    ("target", "patch", "want"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_the_rfc_says(target: Any, patch: Any, want: Any) -> None:
    assert merge_patch(target, patch) == want


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_applied_twice_changes_nothing_more_and_spares_its_target(
    target: Any, patch: Any
) -> None:
    before = copy.deepcopy(target)
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once
    assert target == before


def test_a_merge_patch_that_is_no_object_is_a_bad_request() -> None:
    with pytest.raises(ApiError) as caught:
        merge_patch({}, [])  # type: ignore[arg-type]
    assert caught.value.code == 400


def test_a_json_patch_edits_finalizers_under_a_test_of_the_version() -> None:
    target = {"metadata": {"resourceVersion": "7", "finalizers": ["a"]}}
    ops = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "b"},
    ]
    assert json_patch(target, ops)["metadata"]["finalizers"] == ["a", "b"]
    assert target["metadata"]["finalizers"] == ["a"]


@pytest.mark.parametrize(
    "op",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b/c", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
    ],
)
def test_a_json_patch_that_does_not_fit_is_invalid(op: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch({"a": 1, "list": []}, [op])
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")


@pytest.mark.parametrize(
    "ops", [{}, ["x"], [{"op": "frobnicate", "path": "/a"}], [{"op": "add", "path": "/a"}]]
)
def test_what_is_no_json_patch_is_a_bad_request(ops: Any) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch({"a": 1}, ops)
    assert caught.value.code == 400


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": {"containers": list(containers), **spec}}


@pytest.mark.parametrize(
    ("target", "patch", "want"),
    [
        pytest.param(
            pod({"name": "a", "image": "1"}, {"name": "b", "image": "1"}),
            {"spec": {"containers": [{"name": "b", "image": "2"}]}},
            pod({"name": "a", "image": "1"}, {"name": "b", "image": "2"}),
            id="items merge by their key",
        ),
        pytest.param(
            pod({"name": "a"}),
            {"spec": {"containers": [{"name": "b"}]}},
            pod({"name": "a"}, {"name": "b"}),
            id="new items are appended",
        ),
        pytest.param(
            pod({"name": "a"}, {"name": "b"}),
            {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}},
            pod({"name": "b"}),
            id="$patch delete removes an item",
        ),
        pytest.param(
            pod({"name": "a"}, {"name": "b"}),
            {"spec": {"containers": [{"name": "c"}, {"$patch": "replace"}]}},
            pod({"name": "c"}),
            id="$patch replace replaces a list",
        ),
        pytest.param(
            pod({"name": "a"}, {"name": "b"}),
            {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
            pod({"name": "b"}, {"name": "a"}),
            id="$setElementOrder sorts",
        ),
        pytest.param(
            pod({"name": "a", "args": ["1", "2"]}),
            {"spec": {"containers": [{"name": "a", "args": ["3"]}]}},
            pod({"name": "a", "args": ["3"]}),
            id="atomic lists are replaced",
        ),
        pytest.param(
            pod(volumes=[{"name": "v", "emptyDir": {}}]),
            {
                "spec": {
                    "volumes": [
                        {"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}
                    ]
                }
            },
            pod(volumes=[{"name": "v", "configMap": {"name": "c"}}]),
            id="$retainKeys drops other members of a union",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": ["b"]}},
            id="$deleteFromPrimitiveList removes values",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a"]}},
            {"metadata": {"finalizers": ["b", "a"]}},
            {"metadata": {"finalizers": ["a", "b"]}},
            id="sets grow",
        ),
        pytest.param(
            {"data": {"a": "1", "b": "2"}}, {"data": {"a": None}}, {"data": {"b": "2"}}, id="null removes"
        ),
        pytest.param(
            {"data": {"a": "1"}},
            {"data": {"$patch": "replace", "b": "2"}},
            {"data": {"b": "2"}},
            id="maps are replaced",
        ),
    ],
)
def test_a_strategic_merge_patch_knows_the_lists_of_built_in_kinds(
    target: Any, patch: Any, want: Any
) -> None:
    before = copy.deepcopy(target)
    assert strategic_merge_patch(target, patch, target.get("kind", "Pod")) == want
    assert target == before


def test_ports_of_a_service_merge_by_port_and_those_of_a_container_by_container_port() -> None:
    service = {"spec": {"ports": [{"port": 80, "name": "a"}]}}
    patched = strategic_merge_patch(service, {"spec": {"ports": [{"port": 80, "name": "b"}]}}, "Service")
    assert patched["spec"]["ports"] == [{"port": 80, "name": "b"}]
    with pytest.raises(ApiError, match="does not contain declared merge key: containerPort"):
        strategic_merge_patch(service, {"spec": {"ports": [{"port": 80}]}}, "Pod")


@pytest.mark.parametrize(
    ("ops", "want"),
    [
        ([{"op": "test", "path": "/nope", "value": None}], {}),
        ([{"op": "add", "path": "/list/01", "value": "x"}], {"list": ["a", "x", "b"]}),
        ([{"op": "remove", "path": "/list/-1"}], {"list": ["a"]}),
        ([{"op": "add", "path": "odd/size", "value": 1}], {"size": 1}),
        ([{"op": "move", "from": "/list/0", "path": "/list/1"}], {"list": ["b", "a"]}),
        (None, {}),
    ],
)
def test_a_json_patch_has_the_habits_of_the_real_servers_library(ops: Any, want: Any) -> None:
    target = {"kind": "A", "list": ["a", "b"]}
    assert json_patch(target, ops) == target | want
    assert target == {"kind": "A", "list": ["a", "b"]}


@pytest.mark.parametrize(
    ("ops", "code", "message"),
    [
        (
            {},
            400,
            "error decoding patch: json: cannot unmarshal object into Go value of type "
            "[]handlers.jsonPatchOp",
        ),
        (
            [5],
            400,
            "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp",
        ),
        (
            [{"op": "foo", "path": "/a"}],
            400,
            'invalid operation {"op":"foo","path":"/a"}: unsupported operation',
        ),
        (
            [{"op": "add", "path": "/a"}],
            400,
            'invalid operation {"op":"add","path":"/a"}: failed to decode \'value\': operation, missing '
            "value field: missing value",
        ),
        (
            [{"op": "test", "path": "/n", "value": 3.0}],
            422,
            UNFIT,
        ),
        (
            [{"op": "remove", "path": "/x"}],
            422,
            UNFIT,
        ),
        (
            [{"op": "add", "path": "/a/b", "value": 1}],
            422,
            UNFIT,
        ),
    ],
)
def test_a_json_patch_that_is_none_or_does_not_fit_is_refused(ops: Any, code: int, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch({"kind": "A", "n": 3}, ops)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.to_status()["details"] == {} if code == 422 else True
