"""What can be wrong with a Dataset that is read again or made of others, before a cluster sees it."""

import pytest
import yaml

import builders as b
import datasetcases as cases
from mlplane.gitops.validate import validate


def bare(body, name=None, **spec):
    metadata = {"name": name or body["metadata"]["name"]}
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": metadata,
        "spec": body["spec"] | spec,
    }


def findings(tmp_path, *bodies):
    for number, body in enumerate(bodies):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(body, sort_keys=False))
    return [(f.severity, f.path, f.message) for f in validate([tmp_path])]


def derived(name="clean", parent="digits", **reference):
    made = bare(cases.derived(), name)
    made["spec"]["derivedFrom"]["datasets"] = [{"name": parent} | reference]
    return made


def test_a_dataset_that_is_derived_or_refreshed_is_right(tmp_path):
    assert findings(tmp_path, bare(cases.on_s3()), derived()) == []


def test_a_parent_that_is_not_there_is_waited_for(tmp_path):
    [(severity, field, message)] = findings(tmp_path, derived())
    assert (severity, field) == ("warning", "spec.derivedFrom.datasets[0].name")
    assert "will wait until it exists" in message


def test_a_parent_that_is_pinned_to_something_else_is_an_error(tmp_path):
    pinned = bare(b.dataset(), digest=b.DATA_DIGEST)
    [(severity, field, _)] = findings(tmp_path, pinned, derived(digest=cases.OTHER))
    assert (severity, field) == ("error", "spec.derivedFrom.datasets[0].digest")


def test_datasets_that_are_derived_from_each_other_are_errors(tmp_path):
    found = findings(tmp_path, derived("one", "two"), derived("two", "one"))
    assert [severity for severity, _, _ in found] == ["error", "error"]
    assert all("neither would ever be ready" in message for _, _, message in found)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (derived("clean", "clean"), "metadata.name"),
        (bare(cases.on_s3(schedule="61 * * * *")), "spec.refresh.schedule"),
        (bare(b.dataset(), refresh={"schedule": "0 3 * * *"}), "spec"),
    ],
)
def test_what_no_cluster_could_do_is_an_error(tmp_path, body, field):
    found = findings(tmp_path, body)
    assert ("error", field) in [(severity, at) for severity, at, _ in found], found
