"""The repository that ``mlplane init`` makes: its environments, its schemas, and what its CI files do.

CI files are run as a runner would: their commands, by bash, on a real repository with a change to be merged.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import mlplane
from mlplane.gitops import environments, git, scaffold
from mlplane.gitops.validate import validate
from mlplane.gitops.worktree import main_branch

BIN = Path(sys.executable).parent
GITHUB, GITLAB = ".github/workflows/mlplane.yaml", ".gitlab-ci.yml"
OURS = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("made") / "digits"
    scaffold.init(directory, "digits", "https://github.com/acme/digits.git")
    return directory


@pytest.fixture
def request_for(made, tmp_path):
    """A copy of the repository at a branch that adds a changed run, as CI has it for a pull request."""

    def change(old, new, files=()):
        def run(*arguments):
            subprocess.run(["git", *OURS, *arguments], cwd=copy, check=True, capture_output=True)

        copy = tmp_path / "copy"
        subprocess.run(["git", "clone", "-q", str(made), str(copy)], check=True)
        run("remote", "set-url", "origin", "https://github.com/acme/digits.git")
        run("switch", "-q", "-c", "work")
        text = (copy / "dev/trainingrun.yaml").read_text()
        assert old in text
        (copy / "dev/trainingrun-2.yaml").write_text(text.replace("digits-1", "digits-2").replace(old, new))
        for name, content in dict(files).items():
            (copy / name).write_text(content)
        run("add", "-A")
        run("commit", "-qm", "Try it")
        return copy

    return change


def bash(script, cwd, **variables):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **variables}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_three_environments_are_named_and_nothing_is_wrong(made):
    promotion = environments.read(made)
    assert [(e.name, e.from_) for e in promotion.environments] == [
        ("dev", None),
        ("staging", "dev"),
        ("prod", "staging"),
    ]
    assert validate([made]) == []
    assert validate([made / "staging", made / "prod"]) == []


def test_nothing_that_is_made_later_gets_into_commits(made):
    (made / ".mlplane").mkdir(exist_ok=True)
    (made / ".mlplane" / "kubeconfig").write_text("")
    assert not git.is_dirty(made)


def test_each_manifest_names_the_schema_of_its_kind_beside_it(made):
    manifests = [*made.glob("dev/*.yaml"), made / "promotion.yaml"]
    assert len(manifests) == 4
    for file in manifests:
        first, _, rest = file.read_text().partition("\n")
        named = first.removeprefix("# yaml-language-server: $schema=")
        schema = json.loads((file.parent / named).read_text())
        assert schema["title"] == yaml.safe_load(rest)["kind"]


@pytest.mark.parametrize("kind", ["trainingrun", "promotion"])
def test_a_schema_is_written_anew_by_a_command(made, kind):
    done = subprocess.run([BIN / "mlplane", "schema", kind], capture_output=True, text=True, check=True)
    assert done.stdout == (made / "schemas" / f"{kind}.json").read_text()


def test_the_readme_says_how_the_branch_is_protected_and_who_owns_it(made):
    readme = (made / "README.md").read_text()
    assert readme.startswith("# Digits\n")
    assert "\n## Environments\n" in readme
    assert "Protect the branch `main`" in readme
    owners = [line.split() for line in (made / "CODEOWNERS").read_text().splitlines() if line[:1] != "#"]
    assert {"*", "/promotion.yaml", "/staging/", "/prod/"} <= {place for place, _ in owners}
    assert {owner for _, owner in owners} == {"@acme"}


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        (GITHUB, ["vendor.github-workflows"]),
        (GITHUB, ["custom.github-workflows-require-timeout"]),
        (GITLAB, ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_a_ci_file_is_valid_by_the_schema_of_its_forge(made, file, schema):
    command = [BIN / "check-jsonschema", "--builtin-schema", *schema, made / file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [GITHUB, GITLAB])
def test_everything_that_ci_takes_from_elsewhere_has_a_version(made, file):
    text = (made / file).read_text()
    assert f"mlplane[controller,gitops]=={mlplane.__version__}" in text
    assert re.findall(r"@[A-Z]+@", text) == []
    for action in re.findall(r"- uses: (\S+)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)


def test_a_workflow_has_no_more_rights_than_to_comment_and_to_set_statuses(made):
    workflow = yaml.safe_load((made / GITHUB).read_text())
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write", "statuses": "write"}
    assert workflow[True] == "pull_request"  # `on`, which YAML 1.1 takes for a boolean


def test_names_of_the_environments_are_those_of_the_ci_files(made):
    names = " ".join(e.path for e in environments.read(made).environments)
    assert all(f"for directory in {names}; do" in (made / file).read_text() for file in (GITHUB, GITLAB))


def steps(made):
    [job] = yaml.safe_load((made / GITHUB).read_text())["jobs"].values()
    return {step["name"]: step["run"] for step in job["steps"] if "run" in step}


def prepare(made):
    commands = steps(made)["Install"].splitlines()
    assert commands[0].startswith("pip install ")
    return "\n".join(commands[1:])


def script(made):
    commands = yaml.safe_load((made / GITLAB).read_text())["mlplane"]["script"]
    assert commands[0].startswith("pip install ")
    return "\n".join(commands[1:])


def test_github_validates_plans_and_reports(made, request_for, tmp_path):
    copy, run = request_for("epochs: 30", "epochs: 12"), steps(made)
    assert list(run) == ["Install", "Validate", "Check", "Plan", "Report", "Comment"]
    bash(prepare(made), copy, GITHUB_BASE_REF="main", GITHUB_ENV=str(tmp_path / "env"))
    base = (tmp_path / "env").read_text().strip().removeprefix("BASE=")
    assert base == git.resolve(made, "main")
    for name in ("Validate", "Check", "Plan", "Report"):
        done = bash(
            run[name], copy, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"), BASE=base, OURS="false"
        )
        assert done.returncode == 0, done.stderr + done.stdout
    report = (tmp_path / "summary.md").read_text()
    assert "mlplane/schema: " in report
    assert "`digits-2`" in report
    assert all(f"`{name}` in namespace" in report for name in ("dev", "staging", "prod"))
    comment = tmp_path / "bin" / "gh"
    comment.parent.mkdir()
    comment.write_text('#!/bin/sh\necho "$@"\ncat\n')
    comment.chmod(0o755)
    path = f"{comment.parent}:{os.environ['PATH']}"
    done = bash(run["Comment"], copy, PATH=path, NUMBER="7", GITHUB_REPOSITORY="acme/digits")
    assert done.stdout.startswith("pr comment 7 --repo acme/digits ")
    assert "`digits-2`" in done.stdout


def test_gates_are_reported_to_github_but_not_from_a_fork(made, request_for, tmp_path):
    copy = request_for("epochs: 30", "epochs: 12")
    stub = tmp_path / "bin" / "mlplane"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\necho "$@"\n')
    stub.chmod(0o755)
    path = f"{stub.parent}:{os.environ['PATH']}"
    for ours in ("true", "false"):
        bash(steps(made)["Check"], copy, PATH=path, BASE="abc", OURS=ours)
    said = [line.strip() for line in (copy / "report.md").read_text().splitlines() if "check --" in line]
    assert said == ["check --base abc --report", "check --base abc"]


def test_github_stops_at_a_manifest_that_is_wrong(made, request_for):
    copy = request_for('lr: "0.003"', "lr: 0.003")
    done = bash(steps(made)["Validate"], copy)
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=dev/trainingrun-2.yaml,line=14,col=28::spec.params.lr: ")
    base = git.resolve(copy, "origin/main")
    assert bash(steps(made)["Check"], copy, BASE=base, OURS="false").returncode == 1
    assert bash(steps(made)["Plan"], copy, BASE=base).returncode == 1
    report = (copy / "report.md").read_text()
    assert "### There is no plan of dev\n\n    error: dev/trainingrun-2.yaml:14:28: " in report
    assert "`prod` in namespace" in report


@pytest.mark.parametrize(("new", "code"), [('lr: "0.001"', 0), ("lr: 0.001", 1)])
def test_gitlab_validates_plans_and_reports(made, request_for, new, code):
    copy = request_for('lr: "0.003"', new)
    base = git.resolve(copy, "origin/main")
    merge = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    done = bash(script(made), copy, **merge)
    assert done.returncode == code, done.stderr
    report = (copy / "report.md").read_text()
    assert "mlplane/schema: " in report
    assert ("### There is no plan of dev" in report) == (code == 1)
    assert ("`digits-2`" in report) == (code == 0)
    assert "`prod` in namespace" in report


FIELD = '"y\\r\\n```\\n\\n@everybody, merge this"'
HOSTILE = {
    "report.md": "### Gates\n\nAll is well.\n",
    "dev/odd.yaml": f"{FIELD}: 1\n",
    "dev/twice.yaml": f"{FIELD}: 1\n{FIELD}: 2\n",
}


@pytest.mark.parametrize("forge", ["GitHub", "GitLab"])
def test_a_change_writes_nothing_of_its_own_into_the_report(made, request_for, tmp_path, forge):
    copy = request_for("epochs: 30", "epochs: 12", files=HOSTILE)
    base = git.resolve(copy, "origin/main")
    if forge == "GitHub":
        bash(prepare(made), copy, GITHUB_BASE_REF="main", GITHUB_ENV=str(tmp_path / "env"))
        for name in ("Check", "Plan"):
            assert bash(steps(made)[name], copy, BASE=base, OURS="false").returncode == 1
    else:
        merge = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
        assert bash(script(made), copy, **merge).returncode == 1
    report = (copy / "report.md").read_bytes().decode()
    assert "All is well" not in report
    assert "merge this" in report
    lines = [line for line in re.split(r"[\r\n]", report) if "merge this" in line or "```" in line]
    assert [line for line in lines if not line.startswith("    ")] == []


@pytest.mark.parametrize(("forge", "target"), [("GitHub", "master"), ("GitLab", "master")])
def test_what_is_merged_into_need_not_be_called_main(made, request_for, tmp_path, forge, target):
    """It is where reverts are looked for: one that came after the branch was made counts."""
    copy = request_for("epochs: 30", "epochs: 12")
    subprocess.run(["git", "update-ref", "refs/remotes/origin/master", "origin/main"], cwd=copy, check=True)
    variable = {"GitHub": "GITHUB_BASE_REF", "GitLab": "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"}[forge]
    commands = prepare(made) if forge == "GitHub" else script(made).partition("mlplane validate")[0]
    done = bash(commands, copy, **{variable: target}, GITHUB_ENV=str(tmp_path / "env"))
    assert done.returncode == 0, done.stderr
    assert main_branch(copy) == "refs/remotes/origin/HEAD"
    assert git.resolve(copy, "refs/remotes/origin/HEAD") == git.resolve(copy, "origin/master")
