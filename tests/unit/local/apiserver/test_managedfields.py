"""Server-side apply and the bookkeeping of owners. Expectations were compared with kube-apiserver 1.36."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.local.apiserver import fieldsets, managedfields
from mlplane.local.apiserver.patches import json_patch, merge_patch
from mlplane.local.apiserver.statuses import ApiError
from mlplane.structural.schemas import Schema

STRING = {"type": "string"}


def keyed(*keys: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"type": "object", "properties": properties},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(keys),
    }


SPEC = {
    "a": STRING,
    "b": STRING,
    "n": {"type": "object", "properties": {"x": STRING, "y": STRING}},
    "atomic": {"type": "array", "items": STRING},
    "set": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
    "list": keyed("name", name=STRING, v=STRING, w=STRING),
    "ports": keyed("name", "port", name=STRING, port={"type": "integer", "default": 80}, v=STRING),
    "map": {"type": "object", "additionalProperties": STRING},
    "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"p": STRING, "q": STRING}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
STATUS = {"phase": STRING, "conditions": keyed("type", type=STRING, status=STRING)}
SCHEMA = Schema.compile(
    {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": SPEC},
            "status": {"type": "object", "properties": STATUS},
        },
    }
)


def thing(spec: Any = None, **more: Any) -> dict[str, Any]:
    identity = {"apiVersion": "example.com/v1", "kind": "Thing"}
    meta = {"metadata": {"name": "t", "namespace": "d"} | more.pop("metadata", {})}
    return identity | meta | ({"spec": spec} if spec is not None else {}) | more


def apply(
    live: Any,
    spec: Any,
    manager: str = "one",
    *,
    force: bool = False,
    now: str = "2026-01-01T00:00:00Z",
    **more: Any,
) -> dict[str, Any]:
    subresource = "status" if "status" in more else ""
    return managedfields.apply(
        live,
        thing(spec, **more),
        manager=manager,
        force=force,
        schema=SCHEMA,
        subresource=subresource,
        now=now,
    )


def update(live: Any, patch: Any, manager: str = "ed", now: str = "2026-01-02T00:00:00Z") -> dict[str, Any]:
    new = merge_patch(live or {}, patch)
    return managedfields.track_update(live, new, manager=manager, subresource="", schema=SCHEMA, now=now)


def owned(body: Any) -> dict[str, Any]:
    """What each manager owns."""
    return {e["manager"]: e["fieldsV1"] for e in body["metadata"].get("managedFields", [])}


def test_a_manager_owns_what_it_applied() -> None:
    live = apply(
        None,
        {
            "a": "1",
            "n": {"x": "1"},
            "atomic": ["p"],
            "set": ["s"],
            "list": [{"name": "i", "v": "1"}],
            "map": {"k": "v"},
        },
        metadata={"labels": {"l": "1"}},
    )
    assert live["metadata"]["managedFields"] == [
        {
            "manager": "one",
            "operation": "Apply",
            "apiVersion": "example.com/v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {"f:l": {}}},
                "f:spec": {
                    "f:a": {},
                    "f:atomic": {},
                    "f:list": {'k:{"name":"i"}': {".": {}, "f:name": {}, "f:v": {}}},
                    "f:map": {"f:k": {}},
                    "f:n": {"f:x": {}},
                    "f:set": {'v:"s"': {}},
                },
            },
        }
    ]


def test_applying_the_same_again_changes_nothing_not_even_the_time() -> None:
    first = apply(None, {"a": "1", "list": [{"name": "i"}]})
    assert apply(first, {"a": "1", "list": [{"name": "i"}]}, now="2027-01-01T00:00:00Z") == first


def test_a_field_that_is_no_longer_applied_goes_unless_another_owns_it() -> None:
    live = apply(apply(None, {"a": "1", "b": "1"}), {"a": "1"}, "two")
    live = apply(live, {"b": "1"})
    assert live["spec"] == {"a": "1", "b": "1"}
    assert owned(live) == {"one": {"f:spec": {"f:b": {}}}, "two": {"f:spec": {"f:a": {}}}}
    assert apply(live, {"n": {"x": "1"}}, "two")["spec"] == {"b": "1", "n": {"x": "1"}}


def test_a_change_of_anothers_field_is_a_conflict() -> None:
    live = apply(None, {"a": "1", "n": {"x": "1"}})
    with pytest.raises(ApiError) as caught:
        apply(live, {"a": "2"}, "two")
    error = caught.value
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == 'Apply failed with 1 conflict: conflict with "one": .spec.a'
    (cause,) = error.causes
    assert (cause.reason, cause.field, cause.message) == (
        "FieldManagerConflict",
        ".spec.a",
        'conflict with "one"',
    )


def test_conflicts_with_several_managers_are_listed() -> None:
    live = update(apply(None, {"list": [{"name": "i", "v": "1"}], "set": ["s"]}), {"spec": {"a": "1"}})
    with pytest.raises(ApiError) as caught:
        apply(live, {"a": "2", "list": [{"name": "i", "v": "2"}]}, "two")
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "ed" using example.com/v1:\n- .spec.a\n'
        'conflicts with "one":\n- .spec.list[name="i"].v'
    )


def test_force_takes_the_field_over() -> None:
    live = apply(apply(None, {"a": "1", "b": "1"}), {"a": "2"}, "two", force=True)
    assert live["spec"] == {"a": "2", "b": "1"}
    assert owned(live) == {"one": {"f:spec": {"f:b": {}}}, "two": {"f:spec": {"f:a": {}}}}


def test_items_merge_by_key_and_go_with_their_owner() -> None:
    live = apply(None, {"list": [{"name": "i", "v": "1"}, {"name": "j", "v": "1"}]})
    live = apply(live, {"list": [{"name": "k"}, {"name": "i", "w": "2"}]}, "two")
    assert live["spec"]["list"] == [{"name": "k"}, {"name": "i", "v": "1", "w": "2"}, {"name": "j", "v": "1"}]
    live = apply(live, {"list": []})
    assert live["spec"]["list"] == [{"name": "k"}, {"name": "i", "w": "2"}]


def test_a_key_may_come_from_its_default() -> None:
    live = apply(None, {"ports": [{"name": "http", "v": "1"}]})
    assert list(owned(live)["one"]["f:spec"]["f:ports"]) == ['k:{"name":"http","port":80}']
    with pytest.raises(ApiError, match="1 conflict"):
        apply(live, {"ports": [{"name": "http", "port": 80, "v": "2"}]}, "two")


@pytest.mark.parametrize(
    ("field", "first", "second"),
    [("atomic", ["p"], ["p", "q"]), ("whole", {"p": "1"}, {"q": "1"}), ("free", {"l": [1]}, {"l": [2]})],
)
def test_what_is_atomic_has_one_owner(field: str, first: Any, second: Any) -> None:
    live = apply(None, {field: first})
    with pytest.raises(ApiError, match="1 conflict"):
        apply(live, {field: second}, "two")
    assert apply(live, {field: second}, "two", force=True)["spec"] == {field: second}


def test_sets_hold_the_values_of_all_owners() -> None:
    live = apply(apply(None, {"set": ["p", "q"]}), {"set": ["r", "q"]}, "two")
    assert live["spec"]["set"] == ["p", "r", "q"]
    assert apply(live, {"set": ["p"]})["spec"]["set"] == ["p", "r", "q"]
    assert apply(live, {"set": ["r"]}, "two")["spec"]["set"] == ["p", "r", "q"]


def test_status_is_tracked_apart_from_the_rest() -> None:
    live = apply(None, {"a": "1"})
    live = apply(live, None, status={"phase": "x", "conditions": [{"type": "Ready", "status": "True"}]})
    assert [(e["manager"], e.get("subresource")) for e in live["metadata"]["managedFields"]] == [
        ("one", None),
        ("one", "status"),
    ]
    with pytest.raises(ApiError, match='conflict with "one" with subresource "status"'):
        apply(live, None, "two", status={"phase": "y"})


def test_an_update_owns_what_it_changes_and_takes_it_from_others() -> None:
    live = update(apply(None, {"a": "1", "b": "1"}), {"spec": {"a": "2", "n": {"x": "1"}}})
    assert owned(live) == {
        "one": {"f:spec": {"f:b": {}}},
        "ed": {"f:spec": {"f:a": {}, "f:n": {".": {}, "f:x": {}}}},
    }


def test_an_update_that_changes_nothing_leaves_the_record_alone() -> None:
    live = update(apply(None, {"a": "1"}), {"spec": {"b": "1"}})
    assert update(live, {"spec": {"b": "1"}}, now="2027-01-01T00:00:00Z") == live
    assert update(live, {"spec": {"b": "1"}}, "another") == live


def test_a_removed_field_has_no_owner() -> None:
    live = update(apply(None, {"a": "1", "b": "1"}), {"spec": {"a": None}})
    assert owned(live) == {"one": {"f:spec": {"f:b": {}}}}


def test_a_create_owns_everything_but_identity() -> None:
    live = update(
        None, thing({"a": "1", "list": [{"name": "i"}]}, metadata={"uid": "u", "resourceVersion": "1"})
    )
    assert owned(live) == {
        "ed": {"f:spec": {".": {}, "f:a": {}, "f:list": {".": {}, 'k:{"name":"i"}': {".": {}, "f:name": {}}}}}
    }


def test_managed_fields_may_not_be_applied() -> None:
    with pytest.raises(ApiError) as caught:
        apply(None, {}, metadata={"managedFields": []})
    assert (caught.value.code, caught.value.message) == (400, "metadata.managedFields must be nil")


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ({"zz": "1"}, ".spec.zz: field not declared in schema"),
        (
            {"list": [{"v": "1"}]},
            ".spec.list: element 0: associative list with keys has an element that omits all key fields "
            '["name"] (and doesn\'t have default values for any key fields)',
        ),
        ({"list": [{"name": "a"}, {"name": "a"}]}, '.spec.list: duplicate entries for key [name="a"]'),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(spec: Any, want: str) -> None:
    with pytest.raises(ApiError) as caught:
        apply(None, spec)
    assert (
        caught.value.message
        == f"failed to create typed patch object (d/t; example.com/v1, Kind=Thing): {want}"
    )


def test_an_object_that_nobody_tracked_belongs_to_the_past() -> None:
    live = apply(thing({"a": "1", "b": "1"}), {"a": "1"})
    assert owned(live) == {
        "one": {"f:spec": {"f:a": {}}},
        "before-first-apply": {"f:spec": {".": {}, "f:a": {}, "f:b": {}}},
    }


def test_only_ten_updaters_are_kept_apart() -> None:
    live = update(None, thing({"map": {}}))
    for number in range(12):
        at = f"2026-01-03T00:00:{number:02}Z"
        live = update(live, {"spec": {"map": {f"k{number}": "v"}}}, f"m{number}", at)
    managers = [entry["manager"] for entry in live["metadata"]["managedFields"]]
    assert len(managers) == 10
    assert "ancient-changes" in managers
    assert "m11" in managers


def test_kubectl_takes_over_from_client_side_apply() -> None:
    """What ``kubectl apply --server-side`` does to an object of ``kubectl apply``."""
    last = json.dumps(thing({"a": "1"}))
    annotations = {managedfields.LAST_APPLIED: last}
    live = update(None, thing({"a": "1"}, metadata={"annotations": annotations}), "kubectl-client-side-apply")

    live = apply(live, {"a": "2"}, "kubectl")  # no conflict: the value is that of the annotation
    assert live["spec"] == {"a": "2"}
    assert json.loads(live["metadata"]["annotations"][managedfields.LAST_APPLIED])["spec"] == {"a": "2"}

    entries = [e for e in live["metadata"]["managedFields"] if e["manager"] == "kubectl"]
    rewritten = json_patch(live, [{"op": "replace", "path": "/metadata/managedFields", "value": entries}])
    live = managedfields.track_update(
        live, rewritten, manager="kubectl", subresource="", schema=SCHEMA, now="2026-01-04T00:00:00Z"
    )
    assert owned(live) == {"kubectl": {"f:spec": {"f:a": {}}}}


@pytest.mark.parametrize("reset", [[], [{}]])
def test_a_client_may_reset_the_record(reset: Any) -> None:
    live = apply(None, {"a": "1"})
    new = live | {"metadata": live["metadata"] | {"managedFields": reset}}
    after = managedfields.track_update(live, new, manager="ed", subresource="", schema=SCHEMA, now="x")
    assert "managedFields" not in after["metadata"]


def test_built_in_kinds_merge_by_their_own_keys() -> None:
    def pod(*containers: dict[str, Any], **meta: Any) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": list(containers)}}

    def applied(live: Any, body: Any, manager: str) -> Any:
        return managedfields.apply(
            live, body, manager=manager, force=False, schema=None, subresource="", now="2026-01-01T00:00:00Z"
        )

    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"}
    live = applied(None, pod({"name": "a", "ports": [{"containerPort": 80}]}, ownerReferences=[owner]), "one")
    live = applied(live, pod({"name": "a", "image": "i"}, {"name": "b"}, finalizers=["x/y"]), "two")
    assert live["spec"]["containers"] == [
        {"name": "a", "ports": [{"containerPort": 80}], "image": "i"},
        {"name": "b"},
    ]
    assert owned(live)["one"] == {
        "f:metadata": {"f:ownerReferences": {'k:{"uid":"u"}': {}}},
        "f:spec": {
            "f:containers": {
                'k:{"name":"a"}': {
                    ".": {},
                    "f:name": {},
                    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                }
            }
        },
    }


VALUES = st.sampled_from("12")
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "a": VALUES,
        "b": VALUES,
        "n": st.dictionaries(st.sampled_from("xy"), VALUES, min_size=1),
        "set": st.lists(st.sampled_from("pqr"), unique=True, min_size=1),
        "list": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("ijk")}, optional={"v": VALUES, "w": VALUES}),
            unique_by=lambda item: item["name"],
            min_size=1,
        ),
        "map": st.dictionaries(st.sampled_from("kl"), VALUES, min_size=1),
        "whole": st.dictionaries(st.sampled_from("pq"), VALUES, min_size=1),
    },
)


@given(SPECS, SPECS)
def test_there_and_back_again_is_where_one_was(first: Any, second: Any) -> None:
    start = apply(None, {"b": "0"} | first, force=True)
    away = apply(start, {"b": "0"} | second, force=True)
    back = apply(away, {"b": "0"} | first, force=True)
    assert back == start
    assert apply(back, {"b": "0"} | first, now="2027-01-01T00:00:00Z") == back


@given(SPECS, SPECS)
def test_each_applied_field_has_the_applied_value_and_its_manager(first: Any, second: Any) -> None:
    live = apply(apply(None, first), second, "two", force=True)
    for field in ("a", "b", "whole"):
        if field in second:
            assert live["spec"][field] == second[field]
    for key, value in second.get("map", {}).items():
        assert live["spec"]["map"][key] == value
        assert f"f:{key}" in owned(live)["two"]["f:spec"]["f:map"]


@given(SPECS, SPECS)
def test_sets_of_fields_add_and_subtract(first: Any, second: Any) -> None:
    a = fieldsets.decoded(owned(apply(None, {"a": "1"} | first))["one"])
    b = fieldsets.decoded(owned(apply(None, {"a": "1"} | second))["one"])
    only, both = fieldsets.difference(a, b), fieldsets.intersection(a, b)
    assert fieldsets.union(only, both) == a
    assert fieldsets.intersection(only, b) == {}
    assert fieldsets.decoded(fieldsets.encoded(a)) == a
