"""The namespace in the mind does what an API server does, as far as decisions depend on it."""

import pytest

import builders as b
from mlplane.api.applied import is_as
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.gitops.planningworld import World

SERVER = {"apiVersion": "mlplane.dev/v1alpha1", "kind": "ModelServer"}
MANAGER = "mlplane-controller"


def manifest(name="digits", **spec):
    return SERVER | {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


def child(name, owner, **spec):
    reference = {
        "apiVersion": SERVER["apiVersion"],
        "kind": "ModelServer",
        "name": "digits",
        "controller": True,
    }
    meta = {"name": name, "namespace": "default", "ownerReferences": [reference | {"uid": owner}]}
    return {"apiVersion": "x/v1", "kind": "Child", "metadata": meta, "spec": spec}


@pytest.fixture
def world():
    return World([manifest(a=1)], b.NOW)


@pytest.fixture
def uid(world):
    return world.objects[ref_of(manifest())]["metadata"]["uid"]


def found(world, name="c"):
    return world.objects[Ref("x/v1", "Child", "default", name)]


def test_another_spec_is_another_generation_and_the_status_stays(world):
    ref = ref_of(manifest())
    world.write(world.objects[ref] | {"status": {"known": True}})
    before = world.objects[ref]["metadata"]
    world.put(manifest(a=2))
    after = world.objects[ref]
    assert (before["generation"], after["metadata"]["generation"]) == (1, 2)
    assert after["metadata"]["uid"] == before["uid"]
    assert after["status"] == {"known": True}
    world.put(manifest(a=2))
    assert world.objects[ref]["metadata"]["generation"] == 2


def test_what_was_applied_and_is_left_out_goes_and_what_others_wrote_stays(world, uid):
    world.put(child("c", uid, theirs=1))
    world.apply(child("c", uid, mine=1, both={"a": 1, "b": 2}))
    wanted = child("c", uid, both={"a": 1})
    assert not is_as(found(world), wanted, MANAGER)
    world.apply(wanted)
    assert found(world)["spec"] == {"theirs": 1, "both": {"a": 1}}
    assert is_as(found(world), wanted, MANAGER)


def test_children_go_with_their_owner_and_others_do_not(world, uid):
    world.put(child("c", uid))
    world.put(child("other", "another-uid"))
    world.remove(ref_of(manifest()))
    assert [ref.name for ref in world.objects] == ["other"]


def test_what_comes_later_is_newer(world):
    world.put(manifest("second"))
    times = [body["metadata"]["creationTimestamp"] for body in world.objects.values()]
    assert times == sorted(set(times))


def test_lists_are_by_kind_and_label(world):
    labelled = manifest("labelled")
    labelled["metadata"]["labels"] = {"team": "blue"}
    world.put(labelled)

    def names(*labels):
        query = Query(SERVER["apiVersion"], "ModelServer", "default", labels)
        return [body["metadata"]["name"] for body in world.observe([query]).list(query)]

    assert names() == ["digits", "labelled"]
    assert names(("team", "blue")) == names(("team", None)) == ["labelled"]
    assert names(("team", "red")) == []


def test_an_object_has_news_when_it_or_what_it_read_was_written(world, uid):
    ref, other = ref_of(manifest()), Ref("x/v1", "Child", "default", "c")
    assert world.has_news(ref)
    world.look(ref, [other])
    assert not world.has_news(ref)
    world.put(child("c", uid))
    assert world.has_news(ref)
    world.look(ref, [Query("x/v1", "Child", "default")])
    world.remove(other)
    assert world.has_news(ref)


def test_a_copy_is_another_world(world, uid):
    copied = world.copy()
    copied.put(child("c", uid))
    copied.put(manifest(a=5))
    assert list(world.objects) == [ref_of(manifest())]
    assert world.objects[ref_of(manifest())]["spec"] == {"a": 1}
