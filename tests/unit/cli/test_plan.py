"""The command, on real repositories: what it compares, and what its exit code says."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from mlplane.cli import main
from mlplane.schema.jsonschema import plan_schema

DATASET = """\
apiVersion: mlplane.dev/v1alpha1
kind: Dataset
metadata: {name: digits}
spec:
  source: {git: {url: https://git.example.com/team/digits.git, path: data, commit: "%s"}}
  format: CSV
  header: Absent
  columns: [{name: label, type: Integer}]
  splits: [{name: train, percent: 80}, {name: test, percent: 20}]
"""
SERVER = """\
apiVersion: mlplane.dev/v1alpha1
kind: ModelServer
metadata: {name: digits}
spec:
  follow: {model: digits, policy: Newest}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {token: hunter2}\n"


@pytest.fixture
def repo(tmp_path, monkeypatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("GIT_", "MLPLANE_", "KUBECONFIG")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = tmp_path / "repo"
    (made / "dev").mkdir(parents=True)
    git(made, "init", "-q", "-b", "main")
    git(made, "remote", "add", "origin", "https://git.example.com/team/digits.git")
    (made / "dev/dataset.yaml").write_text(DATASET % ("a" * 40))
    (made / "dev/server.yaml").write_text(SERVER)
    commit(made)
    monkeypatch.chdir(made)
    return made


def git(repo: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=repo, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(repo: Path) -> str:
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "--allow-empty", "-m", "change")
    return git(repo, "rev-parse", "HEAD")


def plan(*arguments):
    return CliRunner().invoke(main.app, ["plan", *arguments])


def test_no_change_is_zero(repo):
    done = plan("dev")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "Plan: no change")


@pytest.mark.parametrize("output", ["text", "markdown", "json"])
def test_a_change_is_two_in_every_form(repo, output):
    (repo / "dev/dataset.yaml").write_text((DATASET % ("b" * 40)).replace("80", "70").replace("20", "30"))
    done = plan("dev", "--output", output)
    assert done.exit_code == 2
    assert "spec.splits[train].percent" in done.output


def test_json_is_as_its_schema_says(repo):
    (repo / "dev/server.yaml").unlink()
    (repo / "dev/other.yaml").write_text(DATASET.replace("name: digits", "name: other", 1) % ("b" * 40))
    found = json.loads(plan("dev", "-o", "json").output)
    jsonschema.Draft202012Validator(plan_schema()).validate(found)
    assert [(c["action"], c["name"]) for c in found["objects"]] == [
        ("Created", "other"),
        ("Deleted", "digits"),
    ]
    assert found["version"] == 1


def test_a_manifest_that_is_wrong_is_one_and_says_where(repo):
    (repo / "dev/server.yaml").write_text(SERVER.replace("Newest", "Oldest"))
    done = plan("dev")
    assert done.exit_code == 1
    assert "dev/server.yaml:5:35" in done.stderr


def test_what_the_api_server_would_refuse_is_one(repo):
    for name in ("dataset", "server"):
        (repo / f"dev/{name}.yaml").unlink()
    (repo / "dev/README.md").write_text("nothing")
    done = plan("dev")
    assert done.exit_code == 1
    assert "refused to delete 2 of 2 objects" in done.output


def test_a_directory_that_has_gone_deletes_all_of_it_which_a_commit_has_to_confirm(repo):
    base = git(repo, "rev-parse", "HEAD")
    shutil.rmtree(repo / "dev")
    done = plan("dev")
    assert done.exit_code == 1
    assert "Mlplane-Prune: confirmed" in done.output
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Leave dev\n\nMlplane-Prune: confirmed")
    done = plan("dev", "--from", base)
    assert (done.exit_code, done.output.splitlines()[-1]) == (2, "Plan: 2 deleted")


@pytest.mark.parametrize("arguments", [("dev", "--nosuch"), (), ("dev", "--live", "--from", "main")])
def test_a_wrong_call_is_one_and_never_taken_for_a_change(repo, arguments):
    assert plan(*arguments).exit_code == 1


def test_a_revision_can_be_named(repo):
    (repo / "dev/server.yaml").unlink()
    commit(repo)
    assert plan("dev").exit_code == 0
    done = plan("dev", "--from", "HEAD~1")
    assert done.exit_code == 2
    assert "- ModelServer digits" in done.output


def test_an_unknown_revision_is_an_error(repo):
    done = plan("dev", "--from", "nosuch")
    assert done.exit_code == 1
    assert "has no revision 'nosuch'" in done.stderr


def test_a_branch_is_compared_with_where_it_has_left_main(repo):
    git(repo, "switch", "-qc", "feature")
    (repo / "dev/other.yaml").write_text(DATASET.replace("name: digits", "name: other", 1) % ("b" * 40))
    commit(repo)
    assert "+ Dataset other" in plan("dev").output


def test_a_new_environment_is_all_new(repo):
    (repo / "prod").mkdir()
    (repo / "prod/server.yaml").write_text(SERVER)
    done = plan("prod")
    assert done.exit_code == 2
    assert "+ ModelServer digits" in done.output


def test_a_directory_that_is_not_there_is_an_error(repo):
    done = plan("nosuch")
    assert done.exit_code == 1
    assert "no directory 'nosuch'" in done.stderr


def test_a_directory_that_is_a_link_is_refused_as_the_agent_refuses_it(repo):
    (repo / "prod").symlink_to("dev")
    done = plan("prod")
    assert done.exit_code == 1
    assert "symbolic link" in done.stderr


def test_a_path_is_found_from_anywhere(repo, monkeypatch, tmp_path):
    (repo / "dev/server.yaml").unlink()
    (tmp_path / "link").symlink_to(repo)
    for place, path in ((repo / "dev", "."), (repo / "dev", "../dev"), (tmp_path, "link/dev")):
        monkeypatch.chdir(place)
        assert plan(path).output.startswith("dev in namespace default"), path


def test_a_base_that_is_wrong_names_the_ways_out(repo):
    (repo / "dev/server.yaml").write_text("kind: [")
    commit(repo)
    (repo / "dev/server.yaml").write_text(SERVER)
    done = plan("dev")
    assert done.exit_code == 1
    assert "--from" in done.stderr
    assert "--live" in done.stderr


def test_a_secret_is_not_shown(repo):
    (repo / "dev/secret.yaml").write_text(SECRET)
    for output in ("text", "markdown", "json"):
        done = plan("dev", "-o", output)
        assert done.exit_code == 0
        assert "hunter2" not in done.output


def test_the_repository_is_left_as_it_was(repo):
    (repo / "dev/server.yaml").unlink()
    before = {file: file.stat().st_mtime_ns for file in repo.rglob("*")}
    assert plan("dev").exit_code == 2
    assert {file: file.stat().st_mtime_ns for file in repo.rglob("*")} == before


def test_environments_say_which_namespace(repo):
    (repo / "promotion.yaml").write_text(
        "apiVersion: mlplane.dev/v1alpha1\nkind: Promotion\n"
        "environments: [{name: dev, path: dev, namespace: team-dev}]\n"
    )
    (repo / "dev/server.yaml").unlink()
    assert "dev in namespace team-dev" in plan("dev").output
