"""What served half a year ago, told by a real repository with the commits of that time."""

import json
import os
import shutil
import subprocess
from copy import copy
from datetime import UTC, datetime

import pytest
import yaml
from typer.testing import CliRunner

import builders as b
from mlplane.cli.main import app
from mlplane.errors import InvalidInput
from mlplane.gitops.records import canonical
from mlplane.gitops.served import places, provenance, served

PROMOTION = """\
apiVersion: mlplane.dev/v1alpha1
kind: Promotion
environments:
  - {name: dev, path: dev, namespace: default}
  - {name: prod, path: prod, namespace: prod, from: dev}
"""
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
A, B = ("sha256:" + letter * 64 for letter in "ab")


class Team:
    """A repository in which people promote, review and take back, each on their day."""

    def __init__(self, root):
        self.root = root

    def begin(self):
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("promotion.yaml", PROMOTION)
        self.commit("Begin", "Olga", "2026-01-02T09:00:00Z")
        return self

    def git(self, *arguments, who="Olga", when="2026-01-01T00:00:00Z"):
        names = {"NAME": who, "EMAIL": f"{who.lower()}@example.com", "DATE": when}
        person = {
            f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in names.items()
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **person, **PLAIN},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message, who, when):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, who=who, when=when)
        return self.git("rev-parse", "HEAD")

    def records(self, name, digest, value):
        version = canonical(b.model_version(name, digest=digest))
        judged = canonical(b.evaluation(f"{name}-eeeeeeee", value, digest=digest))
        judged["spec"]["modelVersion"]["name"] = name
        self.write(f"prod/models/{name}.yaml", yaml.safe_dump(version))
        self.write(f"prod/evaluations/{name}.yaml", yaml.safe_dump(judged))

    def pin(self, name, digest):
        spec = {"modelVersion": {"name": name, "digest": digest}}
        self.write(
            "prod/servers/digits.yaml", yaml.safe_dump(canonical(b.body("ModelServer", "digits", spec)))
        )

    def promote(self, name, digest, value, *, who, merged_by, day):
        """A branch with a commit, merged by somebody else an hour later."""
        self.git("switch", "-q", "-c", "promote")
        self.records(name, digest, value)
        self.pin(name, digest)
        said = f"Mlplane-Digest: {digest}\nMlplane-From: dev"
        self.commit(f"Promote {name}\n\n{said}", who, f"{day}T10:00:00Z")
        self.git("switch", "-q", "main")
        message = ("-m", f"Merge {name}")
        self.git("merge", "-q", "--no-ff", *message, "promote", who=merged_by, when=f"{day}T11:00:00Z")
        self.git("branch", "-q", "-D", "promote")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def team(tmp_path):
    return Team(tmp_path / "team").begin()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Version 1 in May, 2 in June, taken back in July, with its record."""
    team = Team(tmp_path_factory.mktemp("told") / "team").begin()
    team.first = team.promote("digits-1", A, "0.9600", who="Anna", merged_by="Boris", day="2026-05-04")
    team.second = team.promote("digits-2", B, "0.9800", who="Anna", merged_by="Clara", day="2026-06-04")
    team.git("revert", "--no-edit", "-m", "1", "HEAD", who="Dora", when="2026-07-04T12:00:00Z")
    team.head = team.git("rev-parse", "HEAD")
    return team


@pytest.fixture
def story(told, tmp_path):
    """The same, to be gone on with."""
    team = copy(told)
    team.root = tmp_path / "team"
    shutil.copytree(told.root, team.root)
    return team


def entries(team):
    (place,) = places(team.root, team.head, server="digits")
    return served(team.root, team.head, place)


def test_each_time_says_who_when_and_how(story):
    told = [(e.version.name, e.since.date().isoformat(), e.how, e.by.split(" <")[0]) for e in entries(story)]
    assert told == [
        ("digits-1", "2026-07-04", "rolled back", "Dora"),
        ("digits-2", "2026-06-04", "promoted", "Clara"),
        ("digits-1", "2026-05-04", "promoted", "Boris"),
    ]


def test_one_time_ends_where_the_next_begins(story):
    newest, middle, oldest = entries(story)
    assert (oldest.until, middle.until, newest.until) == (middle.since, newest.since, None)


def test_who_proposed_is_told_beside_who_merged(story):
    _, middle, _ = entries(story)
    assert middle.by == "Clara <clara@example.com>"
    assert middle.proposed_by == ("Anna <anna@example.com>",)
    assert middle.promoted_from == "dev"


def test_data_code_and_evidence_are_those_of_the_commit_also_when_the_record_has_gone(story):
    _, middle, _ = entries(story)
    assert not (story.root / "prod" / "models" / "digits-2.yaml").exists()
    assert middle.origin.dataset.digest == b.DATA_DIGEST
    assert middle.origin.commit == b.COMMIT
    assert middle.origin.params == {"epochs": "30", "lr": "0.01"}
    (evidence,) = middle.evidence
    assert (evidence.verdict, evidence.results[0].metric, evidence.results[0].value) == (
        "Passed",
        "accuracy",
        "0.9800",
    )


def test_a_server_that_is_gone_is_found_in_the_past(story):
    (story.root / "prod" / "servers" / "digits.yaml").unlink()
    story.head = story.commit("Serve no more", "Olga", "2026-09-01T00:00:00Z")
    newest, before, *_ = entries(story)
    assert (newest.how, newest.version) == ("removed", None)
    assert before.until == newest.since == datetime(2026, 9, 1, tzinfo=UTC)


def test_a_pin_that_was_changed_by_hand_is_told_as_that(story):
    story.pin("digits-3", "sha256:" + "c" * 64)
    story.head = story.commit("I know better", "Egon", "2026-08-01T00:00:00Z")
    newest, *_ = entries(story)
    assert (newest.how, newest.by, newest.origin, newest.evidence) == (
        "changed",
        "Egon <egon@example.com>",
        None,
        (),
    )


def test_a_past_that_was_odd_keeps_nothing_else_from_being_told(story):
    (story.root / "prod" / "link.yaml").symlink_to("/etc/passwd")
    (story.root / "prod" / "old.yaml").write_bytes("a: é".encode("latin-1"))
    story.pin("digits-3", "sha256:" + "c" * 64)
    story.commit("Odd \x01 in every way", "Egon", "2026-08-01T00:00:00Z")
    (story.root / "prod" / "link.yaml").unlink()
    (story.root / "prod" / "old.yaml").unlink()
    story.head = story.commit("Tidy", "Egon", "2026-08-02T00:00:00Z")
    newest, *rest = entries(story)
    assert (newest.version.name, newest.origin) == ("digits-3", None)
    assert [entry.origin.name for entry in rest] == ["digits-1", "digits-2", "digits-1"]


def test_a_manifest_that_is_no_text_is_named(story):
    (story.root / "prod" / "old.yaml").write_bytes("a: é".encode("latin-1"))
    story.head = story.commit("Odd", "Egon", "2026-08-01T00:00:00Z")
    with pytest.raises(InvalidInput, match=r"prod/old\.yaml: not UTF-8 \(byte 3\): save it as UTF-8"):
        entries(story)


def test_of_a_server_that_follows_a_policy_git_has_nothing(team):
    server = b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}})
    team.write("dev/server.yaml", yaml.safe_dump(canonical(server)))
    team.head = team.commit("Follow", "Olga", "2026-02-01T00:00:00Z")
    assert entries(team) == []
    assert provenance(team.root, team.head, "digits-1") is None
    assert "git pins no version of digits there" in mlplane(team, "history", "digits")


def test_evidence_of_other_bytes_does_not_count(team):
    team.records("digits-1", A, "0.9600")
    team.pin("digits-1", B)
    team.head = team.commit("Pin something else", "Egon", "2026-08-01T00:00:00Z")
    (entry,) = entries(team)
    assert (entry.origin, entry.evidence) == (None, ())


def test_an_unknown_environment_is_named_with_those_there_are(story):
    with pytest.raises(InvalidInput, match="no environment 'test'; there are: dev, prod"):
        places(story.root, story.head, server="digits", environment="test")


def test_a_version_tells_what_it_came_from_and_where_it_served(story):
    found = provenance(story.root, story.head, "digits-1")
    assert found.origin.run == "digits-1"
    assert [entry.how for entry in found.served] == ["rolled back", "promoted"]
    assert found.evidence[0].results[0].value == "0.9600"
    assert provenance(story.root, story.head, "digits-9") is None


def mlplane(team, *arguments, columns=200):
    environment = {"COLUMNS": str(columns)}
    result = CliRunner().invoke(
        app, [*arguments, "-C", str(team.root)], env=environment, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        ("2026-05-04", "digits-1"),
        ("2026-06-03", "digits-1"),
        ("2026-06-04T10:59:59Z", "digits-1"),
        ("2026-06-04T11:00:00Z", "digits-2"),
        ("2026-07-03", "digits-2"),
        ("2026-12-31", "digits-1"),
    ],
)
def test_the_command_tells_what_was_pinned_on_a_day(story, moment, version):
    told = json.loads(mlplane(story, "history", "digits", "--at", moment, "--output", "json"))
    assert [entry["version"]["name"] for entry in told["served"]] == [version]


def test_before_there_was_one_nothing_was_pinned(story):
    assert "git pins no version of digits there" in mlplane(story, "history", "digits", "--at", "2026-05-03")


def test_the_table_has_people_evidence_and_commits(story):
    shown = mlplane(story, "history", "digits", "--env", "prod")
    for words in ("Clara (of Anna)", "accuracy 0.9800 on", "promoted from dev", story.second[:12]):
        assert words in shown, shown


def test_a_line_is_as_long_as_it_has_to_be_and_no_word_is_broken(story):
    shown = mlplane(story, "history", "digits", "--env", "prod", columns=80)
    assert len(shown.splitlines()) == 1 + len(entries(story))
    assert "Clara (of Anna)" in shown
    assert "Passed accuracy 0.9800 on" in shown


def test_what_git_holds_does_nothing_to_a_terminal(story):
    story.pin("digits-3", "sha256:" + "c" * 64)
    story.head = story.commit("x", "Evil \x1b[31m[bold]", "2026-08-01T00:00:00Z")
    shown = mlplane(story, "history", "digits")
    assert "\x1b[31m" not in shown
    assert "[bold]" in shown


def test_the_lineage_of_a_version_is_a_tree(story):
    shown = mlplane(story, "lineage", "digits-2")
    for words in (
        f"ModelVersion digits-2  {B}",
        b.COMMIT,
        "lr=0.01",
        "Passed accuracy 0.9800",
        "prod/digits since",
    ):
        assert words in shown, shown
    told = json.loads(mlplane(story, "lineage", "digits-2", "--output", "json"))
    assert told["origin"]["runKey"] == b.RUN_KEY


def test_without_a_cluster_it_is_said_that_git_does_not_know_either(story):
    command = ["lineage", "digits-9", "--directory", str(story.root), "--kubeconfig", "/nowhere"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert (
        "no record of ModelVersion 'digits-9' in git at main, and the cluster cannot be asked"
        in result.output
    )
