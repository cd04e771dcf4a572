"""Who is woken by what."""

import pytest

from mlplane.api.refs import Query, Ref
from mlplane.engine.interests import Interests

API = "mlplane.dev/v1alpha1"
RUN = Ref(API, "TrainingRun", "dev", "digits")


def body(kind, name, namespace="dev", api_version=API, owners=()):
    metadata = {"name": name, "namespace": namespace, "ownerReferences": list(owners)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


@pytest.fixture
def interests():
    return Interests([(API, "TrainingRun"), (API, "Dataset")])


def test_an_object_of_the_kinds_wakes_itself(interests):
    assert interests.woken_by(body("TrainingRun", "digits")) == {RUN}


def test_an_object_of_another_kind_wakes_nobody_by_itself(interests):
    assert interests.woken_by(body("Workflow", "w", api_version="argoproj.io/v1alpha1")) == set()


def test_an_object_that_somebody_refers_to_wakes_them_before_it_exists(interests):
    interests.register(RUN, [Ref(API, "Dataset", "dev", "digits")])
    assert RUN in interests.woken_by(body("Dataset", "digits"))
    assert RUN not in interests.woken_by(body("Dataset", "other"))
    assert RUN not in interests.woken_by(body("Dataset", "digits", namespace="prod"))


@pytest.mark.parametrize(("namespace", "woken"), [("dev", True), (None, True), ("prod", False)])
def test_a_query_wakes_for_objects_of_its_namespace_whatever_their_labels(interests, namespace, woken):
    interests.register(RUN, [Query(API, "Evaluation", namespace, labels=(("a", "b"),))])
    assert (RUN in interests.woken_by(body("Evaluation", "e"))) is woken


def test_only_what_was_read_last_counts(interests):
    interests.register(RUN, [Ref(API, "Evaluation", "dev", "old")])
    interests.register(RUN, [Ref(API, "Evaluation", "dev", "new")])
    assert interests.woken_by(body("Evaluation", "old")) == set()
    assert interests.woken_by(body("Evaluation", "new")) == {RUN}


def test_who_is_forgotten_is_not_woken_and_leaves_nothing_behind(interests):
    interests.register(RUN, [Ref(API, "Evaluation", "dev", "e"), Query(API, "Evaluation", "dev")])
    interests.forget(RUN)
    assert interests.woken_by(body("Evaluation", "e")) == set()
    assert not any((interests._wanted, interests._by_ref, interests._by_place))


def owner(kind="TrainingRun", name="digits", **more):
    return {"apiVersion": API, "kind": kind, "name": name, "uid": "1", "controller": True} | more


@pytest.mark.parametrize(
    ("reference", "woken"),
    [
        (owner(), {RUN}),
        (owner(controller=False), set()),
        (owner(kind="Strange"), set()),
        (owner(apiVersion="apps/v1"), set()),
    ],
    ids=["its controller", "an owner that is no controller", "a kind unknown here", "another group"],
)
def test_a_child_wakes(interests, reference, woken):
    child = body("Workflow", "w", api_version="argoproj.io/v1alpha1", owners=[reference])
    assert interests.woken_by(child) == woken
