"""What was changed by hand, told from managed fields."""

from mlplane import names
from mlplane.gitops.drift import SHOWN, drift_of


def owned(manager, **fields):
    return {"manager": manager, "operation": "Update", "fieldsV1": fields}


def found(spec, *entries):
    mine = {
        "manager": names.GITOPS_MANAGER,
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {}}},
    }
    return {"metadata": {"name": "x", "managedFields": [mine, *entries]}, "spec": spec}


WANTED = {"metadata": {"name": "x"}, "spec": {"a": {"deep": 1}, "b": [1, 2]}}


def test_a_field_that_another_manager_has_taken_was_changed_by_hand():
    edited = owned("kubectl-edit", **{"f:spec": {"f:a": {"f:deep": {}}}})
    drift = drift_of(WANTED, found({"a": {"deep": 9}, "b": [1, 2]}, edited), was_applied=False)
    assert drift.fields == ("spec.a.deep",)
    assert drift.managers == ("kubectl-edit",)
    assert str(drift) == (
        "put back as git has it, after a change by kubectl-edit: spec.a.deep; to keep a change, commit it"
    )


def test_a_field_that_is_still_the_agents_was_changed_in_git():
    assert drift_of(WANTED, found({"a": {"deep": 9}, "b": [1, 2]}), was_applied=False) is None


def test_of_a_manifest_that_was_applied_before_every_difference_is_by_hand():
    drift = drift_of(WANTED, found({"b": [2]}), was_applied=True)
    assert drift.fields == ("spec.a", "spec.b")
    assert drift.managers == ()


def test_what_others_have_added_is_no_difference():
    added = owned("other", **{"f:spec": {"f:c": {}}})
    assert drift_of(WANTED, found({"a": {"deep": 1}, "b": [1, 2], "c": 1}, added), was_applied=True) is None


def test_a_status_is_nobodys_change():
    status = owned("controller", **{"f:spec": {"f:a": {"f:deep": {}}}}) | {"subresource": "status"}
    assert drift_of(WANTED, found({"a": {"deep": 9}, "b": [1, 2]}, status), was_applied=False) is None


def test_no_value_is_told():
    edited = owned("kubectl-edit", **{"f:spec": {"f:a": {"f:deep": {}}, "f:b": {}}})
    drift = drift_of(WANTED, found({"a": {"deep": "geheim"}, "b": ["geheim"]}, edited), was_applied=True)
    assert drift.fields == ("spec.a.deep", "spec.b")
    assert "geheim" not in str(drift)


def test_of_many_fields_some_are_named():
    wanted = {"spec": {f"f{n}": n for n in range(20)}}
    text = str(drift_of(wanted, found({}), was_applied=True))
    assert f"and {20 - SHOWN} more" in text
