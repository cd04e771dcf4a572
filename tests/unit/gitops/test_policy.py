"""Environments in the paths that are validated: what belongs together, and what a promoted one may hold."""

from pathlib import Path

import pytest
import yaml

import builders as b
from mlplane.gitops.validate import validate

PROMOTION = """\
apiVersion: mlplane.dev/v1alpha1
kind: Promotion
environments:
  - {name: dev, path: dev, namespace: default}
  - {name: prod, path: prod, namespace: prod, from: dev}
"""
VERSION = b.model_version()
DIGEST = VERSION["spec"]["artifact"]["digest"]
PIN = {"name": VERSION["metadata"]["name"], "digest": DIGEST}


def write(file: Path, body):
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = body | {"metadata": {"name": body["metadata"]["name"]}}
    file.write_text(yaml.safe_dump({k: v for k, v in kept.items() if k != "status"}, sort_keys=False))


def evaluation(verdict="Passed", digest=DIGEST):
    recorded = {
        "verdict": verdict,
        "rows": 354,
        "results": [],
        "report": "store://reports/digits/sha256-" + "e" * 64,
    }
    spec = {
        "modelVersion": PIN | {"digest": digest},
        "dataset": {"name": "digits", "digest": "sha256:" + "d" * 64},
        "split": "test",
        "recorded": recorded,
    }
    return b.body("Evaluation", f"judged-{verdict.lower()}", spec)


@pytest.fixture
def repository(tmp_path):
    """dev follows, prod serves a version whose record and evaluation stand beside it."""
    (tmp_path / "promotion.yaml").write_text(PROMOTION)
    write(tmp_path / "dev" / "dataset.yaml", b.dataset())
    write(tmp_path / "dev" / "run.yaml", b.run())
    follow = b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}})
    write(tmp_path / "dev" / "server.yaml", follow)
    write(tmp_path / "prod" / "server.yaml", b.body("ModelServer", "digits", {"modelVersion": PIN}))
    write(tmp_path / "prod" / "version.yaml", VERSION)
    write(tmp_path / "prod" / "evaluation.yaml", evaluation())
    return tmp_path


def found_in(*paths):
    return {(Path(f.file).name, f.path): (f.check, f.message) for f in validate(paths)}


def test_each_environment_is_judged_by_itself(repository):
    assert validate([repository]) == []
    assert validate([repository / "prod"]) == []


def test_an_object_is_in_an_environment_once_and_may_be_in_each(repository):
    write(repository / "prod" / "again.yaml", b.body("ModelServer", "digits", {"modelVersion": PIN}))
    [found] = validate([repository])
    assert "ModelServer digits is defined a second time" in found.message


def test_an_environment_that_nothing_was_promoted_to_is_empty(repository):
    for file in (repository / "prod").iterdir():
        file.unlink()
    assert validate([repository]) == []
    assert validate([repository / "prod"]) == []


def test_a_promoted_environment_serves_what_is_pinned(repository):
    follow = b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}})
    write(repository / "prod" / "server.yaml", follow)
    found = found_in(repository)[("server.yaml", "spec.follow")]
    assert found == (
        "policy",
        "in prod a ModelServer serves a pinned version, which a promotion brings; "
        "`follow: Allowed` in promotion.yaml allows this",
    )
    allowed = PROMOTION.replace("from: dev", "from: dev, follow: Allowed")
    (repository / "promotion.yaml").write_text(allowed)
    assert not [f for f in validate([repository]) if f.severity == "error"]


def test_the_first_environment_may_be_told_to_pin(repository):
    refused = PROMOTION.replace("namespace: default", "namespace: default, follow: Refused")
    (repository / "promotion.yaml").write_text(refused)
    assert ("server.yaml", "spec.follow") in found_in(repository)


def test_the_record_of_what_is_served_stands_beside_it(repository):
    (repository / "prod" / "version.yaml").unlink()
    check, message = found_in(repository)[("server.yaml", "spec.modelVersion.name")]
    assert check == "policy"
    assert f"the record of ModelVersion {PIN['name']} does not stand beside it" in message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "no recorded Evaluation beside it says that"),
        (evaluation("Failed"), "judged-failed is Failed"),
        (evaluation("Inconclusive"), "judged-inconclusive is Inconclusive"),
        (evaluation(digest="sha256:" + "9" * 64), "no recorded Evaluation"),
    ],
    ids=["none", "failed", "inconclusive", "of other bytes"],
)
def test_what_is_served_has_passed_an_evaluation_that_stands_beside_it(repository, body, words):
    (repository / "prod" / "evaluation.yaml").unlink()
    if body:
        write(repository / "prod" / "evaluation.yaml", body)
    check, message = found_in(repository)[("server.yaml", "spec.modelVersion.digest")]
    assert check == "policy"
    assert words in message


def test_data_and_code_of_a_promoted_environment_are_pinned_by_digest(repository):
    dataset, derived, run = b.dataset(), b.dataset("letters"), b.run()
    dataset["spec"]["source"] = {"s3": {"uri": "s3://bucket/digits.csv"}}
    del derived["spec"]["source"]
    derived["spec"]["derivedFrom"] = {
        "datasets": [{"name": "digits"}],
        "code": {"git": run["spec"]["code"]["git"]},
        "entrypoint": "a.py",
    }
    run["spec"]["image"] = "team/train:latest"
    for name, body in (("digits", dataset), ("letters", derived), ("run", run)):
        write(repository / "prod" / f"{name}.yaml", body)
    found = {key: check for key, (check, _) in found_in(repository).items() if check == "policy"}
    assert set(found) == {
        ("digits.yaml", "spec.digest"),
        ("letters.yaml", "spec.derivedFrom.datasets[0].digest"),
        ("run.yaml", "spec.image"),
    }


def test_a_manifest_does_not_name_another_namespace_than_its_environment(repository):
    file = repository / "dev" / "server.yaml"
    file.write_text(file.read_text().replace("  name: digits\n", "  name: digits\n  namespace: prod\n", 1))
    assert found_in(repository)[("server.yaml", "metadata.namespace")][0] == "policy"


def test_what_is_wrong_with_the_environments_is_told_once(repository):
    (repository / "promotion.yaml").write_text(PROMOTION.replace("from: dev", "from: def"))
    [found] = validate([repository, repository / "prod"])
    assert (Path(found.file).name, found.line, found.suggestion) == ("promotion.yaml", 5, "dev")


@pytest.mark.parametrize("text", ["environments: [\n", "", "a: 1\n---\nb: 2\n"])
def test_environments_that_cannot_be_read_are_told_with_their_place(repository, text):
    (repository / "promotion.yaml").write_text(text)
    [found] = validate([repository])
    assert Path(found.file).name == "promotion.yaml"


def test_an_environment_has_its_directory(repository):
    (repository / "promotion.yaml").write_text(PROMOTION.replace("path: prod", "path: live"))
    found = found_in(repository / "dev")
    assert found[("promotion.yaml", "environments[1].path")][1] == "there is no directory live"


def test_environments_are_named_in_one_place(repository):
    (repository / ".git").mkdir()
    (repository / "prod" / "promotion.yaml").write_text(PROMOTION)
    [found] = validate([repository / "prod", repository / "dev"])
    assert "at the root of the repository, and nowhere else" in found.message


def test_beside_the_environments_only_manifests_of_mlplane_are_read(repository):
    (repository / "compose.yaml").write_text("services: {}\n---\n{{ other tool }}\n")
    write(repository / "next" / "run.yaml", b.run() | {"kind": "TrainingRunn"})
    [found] = validate([repository])
    assert found.suggestion == "TrainingRun"
