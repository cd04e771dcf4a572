from copy import deepcopy

import pytest

import builders as b
from mlplane.api.refs import ref_of
from mlplane.gitops.differences import differences


def changes(old, new):
    """What differs between two versions of an object: path, value before, value afterwards."""
    (found,) = differences({ref_of(old): old}, {ref_of(new): new}) or (None,)
    return found


def told(old, new):
    return [(f.path, f.old, f.new) for f in changes(old, new).fields]


def changed(body, **spec):
    return deepcopy(body) | {"spec": deepcopy(body["spec"]) | spec}


def test_objects_come_in_the_order_of_the_data_flow():
    after = {ref_of(body): body for body in (b.server(), b.dataset("z"), b.run(), b.dataset("a"))}
    assert [(c.action, c.kind, c.name) for c in differences({}, after)] == [
        ("Created", "Dataset", "a"),
        ("Created", "Dataset", "z"),
        ("Created", "TrainingRun", "digits-1"),
        ("Created", "ModelServer", "digits"),
    ]


def test_an_item_in_front_of_a_list_by_key_changes_no_other():
    old = b.dataset()
    new = changed(old, splits=[{"name": "early", "percent": 5}, *old["spec"]["splits"]])
    assert told(old, new) == [("spec.splits[early]", None, {"name": "early", "percent": 5})]


def test_items_of_a_list_by_key_that_change_places_are_the_same():
    old = b.dataset()
    assert changes(old, changed(old, splits=old["spec"]["splits"][::-1])) is None


def test_a_list_without_keys_is_one_value():
    old = b.run()
    gates = [{"metric": "accuracy", "min": "0.9"}]
    new = changed(old, evaluation=old["spec"]["evaluation"] | {"gates": gates})
    assert told(old, new) == [("spec.evaluation.gates", old["spec"]["evaluation"]["gates"], gates)]


def test_entries_of_a_map_are_told_one_by_one():
    old = b.run()
    assert told(old, changed(old, params={"epochs": 30, "width": 2})) == [
        ("spec.params.lr", "0.01", None),
        ("spec.params.width", None, 2),
    ]


def test_a_field_that_is_absent_is_told_from_one_that_is_empty():
    old = b.server()
    (field,) = changes(old, changed(old, modelVersion=None)).fields
    assert field.model_fields_set == {"path", "new"}


def test_labels_and_annotations_of_a_person_count():
    old = b.server()
    new = b.server(labels={"team": "blue", "mlplane.dev/source": "x"})
    assert told(old, new) == [("metadata.labels", None, {"team": "blue"})]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b.run(), changed(b.run(), seed=8), "another name"),
        (b.run(), changed(b.run(), suspend=True), ""),
        (b.model_version(), changed(b.model_version(), model="other"), "another name"),
        (b.evaluation(), changed(b.evaluation(), split="train"), "another name"),
        (b.dataset(), changed(b.dataset(), retention={"versions": 1}), ""),
    ],
)
def test_what_the_api_server_would_refuse_is_said(old, new, problem):
    found = changes(old, new)
    assert found.action == ("Refused" if problem else "Changed")
    assert problem in found.problem
