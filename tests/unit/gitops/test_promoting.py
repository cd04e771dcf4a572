"""Promotions on a real repository with a bare remote: what is pushed, what is refused, and who wins."""

import subprocess
from datetime import timedelta

import pytest

import builders as b
from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.promoting import NothingToDo, Refused, publish
from mlplane.gitops.promotionsite import look
from mlplane.gitops.serverpins import pin_in
from promotionteam import PROMOTION, SERVER, Team, git
from sourceservers import git_backend, web_server

BRANCH = "mlplane/promote/staging/digits"
FILE = "envs/staging/server.yaml"


@pytest.fixture
def team(tmp_path):
    made = Team(tmp_path / "team")
    made.write(FILE, SERVER)
    made.commit("Add the server of staging")
    made.train("a", minute=1)
    return made


@pytest.fixture(params=["file", "http"])
def shared(request, team):
    """The same, by each way to a remote; that over HTTP is git's own server program."""
    if request.param == "file":
        yield team
        return
    git(team.remote, "config", "http.receivepack", "true")
    with web_server() as web:
        web.answers["*"] = git_backend(team.folder)
        git(team.repo, "remote", "set-url", "origin", f"http://127.0.0.1:{web.port}/remote.git")
        yield team


def pinned(team, revision="main", file=FILE):
    return pin_in(team.at(revision, file), file).name


def test_a_promotion_moves_the_pin_and_nothing_else_of_the_server(team):
    team.promote()
    digest = team.bodies[0]["spec"]["artifact"]["digest"]
    wanted = SERVER.replace("digits-00000000", "digits-aaaaaaaa").replace("sha256:" + "0" * 64, digest)
    assert team.at(BRANCH, FILE) == wanted


def test_line_ends_of_windows_stay(team):
    team.write(FILE, SERVER.replace("\n", "\r\n"))
    team.commit("Windows")
    team.promote()
    assert team.at(BRANCH, FILE).count("\r\n") == SERVER.count("\n")


def test_it_adds_the_records_that_the_version_rests_on_and_they_are_valid(team, tmp_path):
    from mlplane.gitops.validate import validate

    team.promote()
    assert [f for f in team.files(BRANCH) if "staging" in f] == [
        "envs/staging/evaluations/digits-aaaaaaaa-11111111.yaml",
        "envs/staging/models/digits-aaaaaaaa.yaml",
        FILE,
    ]
    git(tmp_path, "clone", "-q", "-b", BRANCH, str(team.remote), str(tmp_path / "seen"))
    assert validate([tmp_path / "seen" / "envs" / "staging"]) == []


def test_the_checkout_the_index_and_the_branches_of_the_person_stay(team):
    team.write("half.txt", "not done")
    team.write(FILE, "changed by hand, not committed")
    git(team.repo, "add", "half.txt")
    before = git(team.repo, "status", "--porcelain"), git(team.repo, "for-each-ref", "refs/heads")
    team.promote()
    assert (git(team.repo, "status", "--porcelain"), git(team.repo, "for-each-ref", "refs/heads")) == before
    assert not (team.repo / ".git" / "FETCH_HEAD").exists()


def test_the_commit_says_for_programs_what_it_does(team):
    team.promote()
    said = git(team.remote, "log", "-1", "--format=%(trailers)", BRANCH)
    digest = team.bodies[0]["spec"]["artifact"]["digest"]
    assert "Mlplane-Environment: staging\nMlplane-Server: digits\nMlplane-Model: digits\n" in said
    assert f"Mlplane-Version: digits-aaaaaaaa\nMlplane-Digest: {digest}\n" in said
    assert "Mlplane-From: dev\n" in said
    assert "Mlplane-Evaluation: digits-aaaaaaaa-11111111 Passed store://reports/digits/" in said


def test_the_author_is_who_the_repository_knows(team):
    git(team.repo, "config", "user.name", "Ada")
    git(team.repo, "config", "user.email", "ada@example.com")
    team.promote()
    assert git(team.remote, "log", "-1", "--format=%an <%ae>", BRANCH) == "Ada <ada@example.com>"


def test_a_first_promotion_adds_the_server(team):
    git(team.repo, "rm", "-q", FILE)
    team.commit("No server yet")
    team.promote()
    assert pinned(team, BRANCH, "envs/staging/servers/digits.yaml") == "digits-aaaaaaaa"


def test_again_it_pushes_nothing(team):
    first = team.promote()
    assert team.promote().commit == first.commit


def test_the_newest_approved_version_is_promoted(team):
    team.train("c", minute=3, verdict="Failed", value=0.5)
    team.train("b", minute=2)
    team.promote()
    assert pinned(team, BRANCH) == "digits-bbbbbbbb"


def test_two_versions_within_a_minute_are_one_branch_and_the_newest_wins(shared):
    first = shared.promote()
    shared.train("b", minute=2)
    second = shared.promote()
    assert shared.branches() == ["main", BRANCH]
    assert pinned(shared, BRANCH) == "digits-bbbbbbbb"
    assert git(shared.remote, "rev-parse", f"{BRANCH}^") == git(shared.remote, "rev-parse", "main")
    assert second.commit != first.commit


def test_a_promoter_that_was_slow_does_not_push_an_older_version_over_a_newer_one(shared):
    """It has read the cluster before the newer version was there, and pushes after that was proposed."""
    is_first = []

    def slowly(site):
        proposal = shared.decide(site)
        if not is_first:
            is_first.append(True)
            shared.train("b", minute=2)
            shared.promote()
        return proposal

    done = publish(lambda: look(shared.repo, "staging", "", "digits"), slowly)
    assert pinned(shared, BRANCH) == "digits-bbbbbbbb"
    assert git(shared.remote, "rev-parse", BRANCH) == done.commit


@pytest.mark.parametrize(
    "how", [("--no-ff",), ("--squash",), ("--ff-only",)], ids=["merge", "squash", "rebase"]
)
def test_a_revert_holds_the_version(team, how):
    team.promote()
    team.revert(team.merge(BRANCH, *how))
    assert pinned(team) == "digits-00000000"
    with pytest.raises(Refused, match=r"digits-aaaaaaaa was taken back by [0-9a-f]{12}: judge it again"):
        team.promote()
    assert BRANCH not in team.branches()


def test_a_squash_whose_message_is_the_text_of_the_pull_request_is_a_promotion(team):
    """Of a version that was served before: without its trailers it would pass for a way back."""
    team.train("b", minute=2)
    for number, letter in enumerate("aba", 1):
        team.promote(name=f"digits-{letter * 8}")
        git(team.repo, "fetch", "-q", "origin")
        git(team.repo, "merge", "-q", "--squash", f"origin/{BRANCH}")
        trailers = git(team.repo, "log", "-1", "--format=%(trailers)", f"origin/{BRANCH}")
        team.commit(f"Promote (#{number})\n\n<details>\n\n```text\n{trailers}\n```\n</details>")
    assert not look(team.repo, "staging", "", "digits").history.reverted


def test_a_hand_that_puts_the_old_pin_back_holds_it_too(team):
    team.promote()
    team.merge(BRANCH)
    team.write(FILE, SERVER)
    team.commit("Oh no")
    with pytest.raises(Refused, match="was taken back"):
        team.promote()


def test_a_newer_version_is_promoted_after_a_revert(team):
    team.promote()
    team.revert(team.merge(BRANCH))
    team.train("b", minute=2)
    team.promote()
    assert pinned(team, BRANCH) == "digits-bbbbbbbb"


def test_a_person_lets_a_version_that_was_taken_back_go_on(team):
    team.promote()
    team.revert(team.merge(BRANCH))
    digest = team.bodies[0]["spec"]["artifact"]["digest"]
    team.commit(f"It was the network\n\nRe-promote: {digest}")
    team.promote()
    assert pinned(team, BRANCH) == "digits-aaaaaaaa"


def test_a_newer_evaluation_that_passed_lets_it_go_on(team):
    team.promote()
    team.revert(team.merge(BRANCH))
    again = team.bodies[1] | {
        "metadata": team.bodies[1]["metadata"] | {"creationTimestamp": "2126-01-01T00:00:00Z"}
    }
    again["metadata"]["name"] = "digits-aaaaaaaa-22222222"
    team.bodies.append(again)
    team.promote()
    assert pinned(team, BRANCH) == "digits-aaaaaaaa"


def test_a_version_that_was_let_go_on_and_taken_back_again_is_held_again(team):
    team.promote()
    team.revert(team.merge(BRANCH))
    digest = team.bodies[0]["spec"]["artifact"]["digest"]
    team.commit(f"Again\n\nRe-promote: {digest}")
    team.promote()
    team.revert(team.merge(BRANCH))
    with pytest.raises(Refused, match="was taken back"):
        team.promote()


def test_a_revert_while_the_promoter_is_running_does_not_flip_back(shared):
    """Merged and taken back between its look and its push: the branch does not stay."""
    merged = []

    def meanwhile(site):
        proposal = shared.decide(site)
        if not merged:
            merged.append(shared.promote())
            shared.revert(shared.merge(BRANCH))
        return proposal

    with pytest.raises(Refused, match="was taken back"):
        publish(lambda: look(shared.repo, "staging", "", "digits"), meanwhile)
    assert shared.branches() == ["main"]
    assert pinned(shared) == "digits-00000000"


def test_what_is_pinned_already_is_nothing_to_do(team):
    team.promote()
    team.merge(BRANCH)
    with pytest.raises(NothingToDo, match="staging pins digits-aaaaaaaa already"):
        team.promote()


def test_a_version_that_is_not_approved_is_refused_with_the_reason(team):
    team.train("b", minute=2, verdict="Failed", value=0.5)
    with pytest.raises(Terminal, match="digits-bbbbbbbb is not approved in dev"):
        team.promote(name="digits-bbbbbbbb")
    assert team.branches() == ["main"]


def test_a_version_that_is_not_there_names_those_that_are(team):
    with pytest.raises(InvalidInput, match="there are: digits-aaaaaaaa"):
        team.promote(name="digits-99999999")


def test_bytes_that_the_store_lacks_are_refused_with_the_command_that_brings_them(team):
    team.store.discard(team.bodies[0]["spec"]["artifact"]["uri"])
    with pytest.raises(
        Refused,
        match=r"mlplane/lineage: .* run `mlplane store copy store://models/digits/sha256-[0-9a-f]{64} --to file://",
    ):
        team.promote()


def test_bytes_that_were_changed_are_refused(team):
    file = next((team.folder / "store").rglob("model.safetensors"))
    file.write_bytes(b"x" + file.read_bytes()[1:])
    with pytest.raises(
        Refused, match=r"model.safetensors has 1000 bytes with sha256 .* put the right files back"
    ):
        team.promote()


def test_evidence_that_is_not_what_the_report_says_is_refused_with_the_field(team):
    for recorded in (team.bodies[1]["spec"]["recorded"], team.bodies[1]["status"]):
        recorded["results"] = [recorded["results"][0] | {"value": "0.9999"}]
    with pytest.raises(Refused, match=r"spec.recorded.results\[0\].value: the report .* says 0.9700"):
        team.promote()


def test_a_freeze_is_refused_with_its_end(team):
    team.write("promotion.yaml", PROMOTION.replace("    from: dev\n", FROZEN))
    team.commit("Freeze")
    with pytest.raises(Refused, match="staging is frozen by holidays until 2026-01-06 00:00 UTC"):
        team.promote()


FROZEN = """\
    from: dev
    requires:
      freeze:
        - {name: holidays, since: "2025-12-20T00:00", until: "2026-01-06T00:00"}
"""


def soaking(team, hours=24, **status):
    team.write(
        "promotion.yaml",
        PROMOTION.replace("from: dev\n", f"from: dev\n    requires: {{soakHours: {hours}}}\n"),
    )
    team.commit("Soak")
    digest = team.bodies[0]["spec"]["artifact"]["digest"]
    since = (b.NOW - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = b.condition("Ready", "True", "Serving") | {"lastTransitionTime": since}
    known = {"modelVersion": {"name": "digits-aaaaaaaa", "digest": digest}, "conditions": [ready]}
    team.bodies.append(b.server(status=known | status))
    for body in team.bodies[:2]:
        body["metadata"]["creationTimestamp"] = "2025-12-01T00:00:00Z"


def test_a_version_that_has_not_soaked_is_refused_with_the_time(team):
    soaking(team)
    with pytest.raises(Refused, match="not ready in dev for 24 h yet: promote it after 2026-01-03 01:04 UTC"):
        team.promote()


def test_a_version_that_has_soaked_goes_on(team):
    soaking(team, hours=2)
    team.promote()


def test_a_version_that_is_not_served_has_not_soaked(team):
    soaking(team, hours=1, modelVersion={"name": "digits-99999999", "digest": "sha256:" + "9" * 64})
    with pytest.raises(Refused, match='"digits" does not serve digits-aaaaaaaa there'):
        team.promote()


def test_a_record_that_was_edited_in_the_target_is_refused(team):
    team.promote()
    team.merge(BRANCH)
    file = "envs/staging/evaluations/digits-aaaaaaaa-11111111.yaml"
    team.write(file, team.at("main", file).replace("0.9700", "0.9900"))
    team.write(FILE, SERVER.replace("00000000", "99999999", 1))
    team.commit("Better")
    with pytest.raises(InvalidInput, match="Evaluation digits-aaaaaaaa-11111111 is there and differs"):
        team.promote()


def test_a_server_that_follows_is_refused_with_what_to_write(team):
    team.write(FILE, "apiVersion: mlplane.dev/v1alpha1\nkind: ModelServer\nmetadata: {name: digits}\n"
               "spec: {follow: {model: digits, policy: Newest}}\n")  # fmt: skip
    team.commit("Follow")
    with pytest.raises(InvalidInput, match=r"replace spec\.follow by spec\.modelVersion"):
        team.promote()


def test_a_shallow_clone_is_refused_for_it_cannot_know_what_was_taken_back(team, tmp_path):
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{team.remote}", str(tmp_path / "shallow"))
    with pytest.raises(Terminal, match="git fetch --unshallow"):
        look(tmp_path / "shallow", "staging", "", "digits")


def test_the_commit_is_signed_where_the_repository_signs(team, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key)), ("commit.gpgsign", "true")):
        git(team.repo, "config", name, value)
    team.promote()
    assert "gpgsig -----BEGIN SSH SIGNATURE-----" in git(team.remote, "cat-file", "commit", BRANCH)


def test_a_push_that_the_remote_refuses_is_told_in_its_words(team):
    hook = team.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'error: branches of machines are closed' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Terminal, match="git push to origin: error: branches of machines are closed"):
        team.promote()
