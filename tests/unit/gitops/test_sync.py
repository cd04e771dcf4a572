import copy

import pytest

from mlplane import names
from mlplane.errors import Terminal
from mlplane.gitops import sync


def manifest(name="a", **spec):
    return {"apiVersion": names.API_VERSION, "kind": "Dataset", "metadata": {"name": name}, "spec": spec}


def prepared(name="a", **spec):
    return sync.prepared(manifest(name, **spec), namespace="default", source="s")


def live(name="a", *, applied=None, **spec):
    """The object as the server gives it back; ``applied`` is the spec that the agent applied, if another."""
    body = copy.deepcopy(prepared(name, **spec))
    fields = {f"f:{key}": {} for key in (spec if applied is None else applied)}
    meta = {
        "f:labels": {f"f:{names.SOURCE_LABEL}": {}},
        "f:annotations": {f"f:{names.COMMIT_ANNOTATION}": {}},
    }
    mine = {"f:metadata": meta, "f:spec": fields}
    body["metadata"] |= {
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "managedFields": [
            {"manager": "other", "operation": "Update", "fieldsV1": {"f:spec": {"f:theirs": {}}}},
            {"manager": names.GITOPS_MANAGER, "operation": "Apply", "fieldsV1": mine},
        ],
    }
    return body | {"status": {"rows": 1}}


def test_what_is_not_there_is_applied():
    assert sync.plan([prepared()], []) == sync.Sync((prepared(),), ())


def test_what_is_there_as_wanted_is_left_alone():
    assert sync.plan([prepared(x=1)], [live(x=1)]) == sync.Sync((), ())


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param({"x": 2}, live(x=1), id="another value"),
        pytest.param({"x": 1}, live(x=1, y=1), id="a field went from the manifest"),
        pytest.param({"x": [1, 2]}, live(x=[1]), id="an item is missing"),
        pytest.param({"x": [1]}, live(x=[1, 2]), id="an item is too many"),
        pytest.param({"x": {"y": 1}}, live(x={}), id="a field is missing"),
    ],
)
def test_what_differs_is_applied(wanted, found):
    assert sync.plan([prepared(**wanted)], [found]) == sync.Sync((prepared(**wanted),), ())


def test_what_only_somebody_else_applied_is_applied():
    found = live(x=1)
    found["metadata"]["managedFields"].pop()
    assert sync.plan([prepared(x=1)], [found]).apply == (prepared(x=1),)


def test_what_others_added_is_no_difference():
    found = live(x=1, theirs=2, applied={"x": 1})
    found["metadata"]["labels"]["other"] = "yes"
    assert sync.plan([prepared(x=1)], [found]).apply == ()


def test_null_in_a_manifest_is_no_difference():
    assert sync.plan([prepared(x=None)], [live(applied={})]).apply == ()


def test_what_is_in_the_commit_no_more_is_pruned():
    assert sync.plan([prepared("a")], [live("a"), live("b")]).prune == (live("b"),)


def test_the_last_object_is_not_pruned_without_a_word():
    with pytest.raises(Terminal, match=r'delete 1 of 1 objects .* the trailer "Mlplane-Prune: confirmed"'):
        sync.plan([], [live("a")])
    assert sync.plan([], [live("a")], may_prune=True).prune == (live("a"),)


def test_one_object_may_take_the_place_of_another():
    assert sync.plan([prepared("b")], [live("a")]).prune == (live("a"),)


def test_half_may_be_pruned():
    todo = sync.plan([prepared("a"), prepared("b")], [live(n) for n in "abcd"])
    assert [body["metadata"]["name"] for body in todo.prune] == ["c", "d"]


def test_most_of_everything_is_never_pruned_at_once():
    with pytest.raises(Terminal, match="refused to delete 2 of 3 objects at once, nothing was applied"):
        sync.plan([prepared("a")], [live(n) for n in "abc"])


def test_what_is_being_deleted_is_not_deleted_again():
    going = live("b")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert sync.plan([prepared("a")], [live("a"), going]).prune == ()


def test_what_is_being_deleted_does_not_count_as_most_of_everything():
    """As after a confirmation that was used up, while finalizers still run."""
    going = [live(name) for name in "bcd"]
    for body in going:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert sync.plan([prepared("a")], [live("a"), *going]) == sync.Sync((), ())
    with pytest.raises(Terminal, match="refused to delete 2 of 3 objects"):
        sync.plan([prepared("a")], [*(live(n) for n in "axy"), *going])


def test_a_prepared_object_carries_namespace_and_source_and_leaves_the_manifest_alone():
    given = manifest()
    body = sync.prepared(given, namespace="default", source="s")
    assert body["metadata"] == {"name": "a", "namespace": "default", "labels": {names.SOURCE_LABEL: "s"}}
    assert given == manifest()


def test_a_manifest_for_another_namespace_is_refused():
    other = manifest()
    other["metadata"]["namespace"] = "prod"
    with pytest.raises(Terminal, match="Dataset/a names namespace prod, not default"):
        sync.prepared(other, namespace="default", source="s")


def test_the_commit_stands_in_an_annotation():
    body = sync.at_commit(prepared(), "c" * 40)
    assert body["metadata"]["annotations"] == {names.COMMIT_ANNOTATION: "c" * 40}


def test_the_source_is_a_label_value_that_differs_by_repository_and_path():
    values = {sync.source_of("h/a", "dev"), sync.source_of("h/a", "prod"), sync.source_of("h/b", "dev")}
    assert len(values) == 3
    assert all(len(value) == 16 for value in values)
