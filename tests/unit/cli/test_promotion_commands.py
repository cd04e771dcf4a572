"""`mlplane promote`, `rollback` and `check` from git alone, as where a cluster is gone."""

import json

import pytest
from typer.testing import CliRunner

from forgeservers import running
from mlplane.cli.main import app
from mlplane.gitops.serverpins import pin_in
from promotionteam import PROMOTION, SERVER, Team, git

STAGING, PROD = "envs/staging/server.yaml", "envs/prod/servers/digits.yaml"
BRANCH = "mlplane/promote/prod/digits"


@pytest.fixture
def team(tmp_path, monkeypatch):
    """Staging serves a version of dev, whose plane is gone."""
    for name in ("GITHUB_TOKEN", "GITEA_TOKEN", "MLPLANE_FORGE_TOKEN", "KUBECONFIG", "MLPLANE_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Team(tmp_path / "team")
    made.write(STAGING, SERVER)
    made.commit("Add the server of staging")
    made.train("a", minute=1)
    made.promote()
    made.merge("mlplane/promote/staging/digits")
    monkeypatch.chdir(made.repo)
    return made


def run(team, *arguments, code=0):
    options = ["--store", team.store.url, "--kubeconfig", str(team.folder / "gone")]
    if arguments[0] == "check":
        options = options[:2]
    done = CliRunner().invoke(app, [*arguments, *options])
    assert done.exit_code == code, done.output
    return done.output


def with_forge(team, forge):
    said = f"forge: {{kind: {forge.kind}, url: '{forge.url}', repository: team/digits}}"
    team.write("promotion.yaml", PROMOTION.replace("forge: {kind: None}", said))
    team.commit("We have a forge")


def checked_out(team, branch):
    git(team.repo, "fetch", "-q", "origin")
    git(team.repo, "checkout", "-q", "-B", "review", f"origin/{branch}")


def states(text):
    return {gate["name"]: gate["state"] for gate in json.loads(text)["gates"]}


def test_without_a_forge_it_pushes_and_says_how_to_merge(team):
    said = run(team, "promote", "digits", "--to", "prod")
    assert pin_in(team.at(BRANCH, PROD), PROD).name == "digits-aaaaaaaa"
    assert f"git switch main && git merge origin/{BRANCH} && git push origin main" in said
    assert "taking what git says that it serves" in said


def test_a_dry_run_pushes_nothing_and_shows_all(team):
    said = run(team, "promote", "digits", "--to", "prod", "--dry-run")
    assert team.branches() == ["main"]
    for part in (
        f"writes {PROD}",
        "mlplane/evaluation passed",
        "Mlplane-Version: digits-aaaaaaaa",
        "### Plan",
    ):
        assert part in said


def test_the_pull_request_has_verdict_comparison_lineage_plan_and_the_way_back(team, monkeypatch):
    with running("Gitea") as forge:
        with_forge(team, forge)
        monkeypatch.setenv("GITEA_TOKEN", forge.token)
        said = run(team, "promote", "digits", "--to", "prod")
        run(team, "promote", "digits", "--to", "prod")
    (pull,) = forge.pulls
    assert f"opened {forge.url}/team/digits/1" in said
    assert (pull["branch"], pull["trunk"]) == (BRANCH, "main")
    assert pull["title"] == "Promote digits-aaaaaaaa to prod"
    for part in (
        "`digits-aaaaaaaa` goes from staging to prod. Nothing is served there yet.",
        "**Passed** by split test of digits",
        "| `accuracy` | all, 359 | ≥ 0.9 | 0.9700 |",
        "### Origin",
        "### Plan:",
        "| created | ModelServer | `digits` |",
        "### Way back\n\n`git revert` of the merge",
        "Mlplane-Version: digits-aaaaaaaa\nMlplane-Digest: sha256:",
    ):
        assert part in pull["text"]
    assert forge.token not in said + pull["text"] + (team.repo / ".git" / "config").read_text()


def test_a_missing_token_stops_it_before_anything_is_pushed(team):
    with running("GitHub") as forge:
        with_forge(team, forge)
        said = run(team, "promote", "digits", "--to", "prod", code=1)
    assert "set GITHUB_TOKEN, or MLPLANE_FORGE_TOKEN" in said
    assert team.branches() == ["main"]


def test_it_compares_with_what_is_served_there_now(team):
    run(team, "promote", "digits", "--to", "prod")
    team.merge(BRANCH)
    team.train("b", minute=2, value=0.93)
    team.promote()
    team.merge("mlplane/promote/staging/digits")
    said = run(team, "promote", "digits", "--to", "prod", "--dry-run")
    assert "### Against `digits-aaaaaaaa`, which prod serves now" in said
    assert "`mlplane rollback digits --env prod`, or `git revert`" in said
    assert "| `accuracy` | all | 359 | 0.9700 | 0.9300 | -0.0400 worse |" in said


def test_nothing_to_do_is_no_error(team):
    run(team, "promote", "digits", "--to", "prod")
    team.merge(BRANCH)
    assert "prod pins digits-aaaaaaaa already: there is nothing to do" in run(
        team, "promote", "digits", "--to", "prod"
    )


def test_an_environment_that_is_not_there_names_those_that_are(team):
    said = run(team, "promote", "digits", "--to", "production", code=1)
    assert "promotion.yaml has no environment 'production'; it has: dev, staging, prod" in " ".join(
        said.split()
    )


def test_rollback_check_proves_that_the_version_before_can_be_served(team):
    team.train("b", minute=2)
    team.promote()
    team.merge("mlplane/promote/staging/digits")
    said = run(team, "rollback", "digits", "--env", "staging", "--check")
    assert "staging/digits: from digits-bbbbbbbb back to digits-aaaaaaaa" in said
    assert "passed: the files of digits-aaaaaaaa are those of sha256:" in said
    assert team.branches() == ["main"]
    team.store.discard(team.bodies[0]["spec"]["artifact"]["uri"])
    said = run(team, "rollback", "digits", "--env", "staging", "--check", code=1)
    assert "digits-aaaaaaaa could not be served" in " ".join(said.split())


def test_rollback_opens_a_pull_request(team, monkeypatch):
    team.train("b", minute=2)
    team.promote()
    team.merge("mlplane/promote/staging/digits")
    with running("GitLab") as forge:
        with_forge(team, forge)
        monkeypatch.setenv("MLPLANE_FORGE_TOKEN", forge.token)
        run(team, "rollback", "digits", "--env", "staging")
    (pull,) = forge.pulls
    assert pull["branch"] == "mlplane/rollback/staging/digits"
    assert pull["title"] == "Take digits in staging back to digits-aaaaaaaa"
    assert "Re-promote: sha256:" in pull["text"]


def test_a_promotion_passes_all_its_checks(team):
    run(team, "promote", "digits", "--to", "prod")
    checked_out(team, BRANCH)
    assert states(run(team, "check", "-o", "json")) == {
        f"mlplane/{name}": "Passed"
        for name in (
            "schema",
            "pinned",
            "lineage",
            "evaluation",
            "baseline",
            "plan",
            "policy",
            "soak",
            "freeze",
        )
    }


def test_evidence_that_was_edited_by_hand_fails_and_the_field_is_named(team):
    run(team, "promote", "digits", "--to", "prod")
    checked_out(team, BRANCH)
    file = team.repo / "envs/prod/evaluations/digits-aaaaaaaa-11111111.yaml"
    file.write_text(file.read_text().replace("'0.9700'", "'0.9900'"))
    git(team.repo, "commit", "-qam", "A little better")
    said = " ".join(run(team, "check", code=1).split())
    assert (
        "✗ mlplane/evaluation: digits-aaaaaaaa-11111111: spec.recorded.results[0].value: the report" in said
    )
    assert "says 0.9700, recorded is 0.9900" in said


def test_bytes_that_were_changed_fail(team):
    run(team, "promote", "digits", "--to", "prod")
    checked_out(team, BRANCH)
    file = next((team.folder / "store").rglob("model.safetensors"))
    file.write_bytes(b"x" + file.read_bytes()[1:])
    assert states(run(team, "check", "-o", "json", code=1))["mlplane/lineage"] == "Failed"


def test_a_pin_without_its_record_fails_and_so_does_a_record_that_differs_from_its_source(team):
    run(team, "promote", "digits", "--to", "prod")
    checked_out(team, BRANCH)
    file = team.repo / "envs/prod/models/digits-aaaaaaaa.yaml"
    file.write_text(file.read_text().replace("seed: 7", "seed: 8"))
    git(team.repo, "commit", "-qam", "Another seed")
    assert "digits-aaaaaaaa differs from that of staging" in run(team, "check", code=1)
    git(team.repo, "rm", "-q", "envs/prod/models/digits-aaaaaaaa.yaml")
    git(team.repo, "commit", "-qm", "No record")
    assert "pins digits-aaaaaaaa, which is not there in envs/prod" in " ".join(
        run(team, "check", code=1).split()
    )


def test_a_version_that_is_clearly_worse_fails_by_its_baseline(team):
    run(team, "promote", "digits", "--to", "prod")
    team.merge(BRANCH)
    team.train("b", minute=2, value=0.93)
    team.promote()
    checked_out(team, "mlplane/promote/staging/digits")
    said = run(team, "check", code=1)
    assert "✗ mlplane/baseline: accuracy is clearly worse than what is served, 0.9700 → 0.9300" in said


def test_a_way_back_is_never_closed(team):
    team.train("b", minute=2)
    team.promote()
    merged = team.merge("mlplane/promote/staging/digits")
    freeze = "{name: now, since: '2020-01-01T00:00', until: '2999-01-01T00:00'}"
    frozen = f"from: dev\n    requires: {{soakHours: 900, freeze: [{freeze}]}}\n"
    team.write("promotion.yaml", PROMOTION.replace("from: dev\n", frozen))
    team.commit("Freeze")
    git(team.repo, "checkout", "-q", "-b", "back")
    git(team.repo, "revert", "--no-edit", "-m", "1", merged)
    found = states(run(team, "check", "-o", "json"))
    assert {name for name, state in found.items() if state != "Passed"} == set()


def test_a_version_that_was_taken_back_fails_by_policy_however_it_comes(team):
    team.train("b", minute=2)
    team.promote()
    merged = team.merge("mlplane/promote/staging/digits")
    back = team.revert(merged)
    git(team.repo, "checkout", "-q", "-b", "again")
    git(team.repo, "revert", "--no-edit", back)
    said = run(team, "check", code=1)
    assert "✗ mlplane/policy: digits-bbbbbbbb was taken back by" in said


def test_what_cannot_be_read_leaves_no_gate_untold(team):
    git(team.repo, "checkout", "-q", "-b", "broken")
    team.write(STAGING, SERVER.replace("ModelServer", "ModelSever"))
    git(team.repo, "commit", "-qam", "Typo")
    found = states(run(team, "check", "-o", "json", code=1))
    assert len(found) == 9
    assert found["mlplane/schema"] == found["mlplane/soak"] == "Failed"


def test_what_the_agent_does_not_take_leaves_no_gate_untold(team):
    git(team.repo, "checkout", "-q", "-b", "review", "origin/main")
    (team.repo / "envs/prod/line\nbreak.yaml").write_text("")
    git(team.repo, "add", "-A")
    git(team.repo, "commit", "-qm", "A name")
    said = json.loads(run(team, "check", "-o", "json", code=1))["gates"]
    assert len(said) == 9
    plan = next(gate["message"] for gate in said if gate["name"] == "mlplane/plan")
    assert plan == r"envs/prod/line\nbreak.yaml: name the file in printable UTF-8"


def test_the_gates_are_reported_as_statuses_of_the_commit(team, monkeypatch):
    run(team, "promote", "digits", "--to", "prod")
    with running("GitHub") as forge:
        with_forge(team, forge)
        checked_out(team, BRANCH)
        git(team.repo, "merge", "-q", "--no-edit", "main")
        monkeypatch.setenv("GITHUB_TOKEN", forge.token)
        run(team, "check", "--report")
    head = git(team.repo, "rev-parse", "HEAD")
    assert {(s["commit"], s["state"]) for s in forge.statuses} == {(head, "success")}
    assert len({s["name"] for s in forge.statuses}) == 9


def test_the_token_goes_to_the_forge_of_the_main_branch_whatever_a_change_says(team, monkeypatch):
    with running("GitHub") as forge, running("GitHub") as theirs:
        with_forge(team, forge)
        git(team.repo, "checkout", "-q", "-b", "review")
        team.write(
            "promotion.yaml", (team.repo / "promotion.yaml").read_text().replace(forge.url, theirs.url)
        )
        git(team.repo, "commit", "-qam", "Ours is nicer")
        monkeypatch.setenv("GITHUB_TOKEN", forge.token)
        run(team, "check", "--report")
    assert theirs.asked == []
    assert len(forge.statuses) == 9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    from: staging\n", ""),
        ("    from: staging\n", "    from: dev\n"),
        ("    from: staging\n", "    from: staging\n    follow: Allowed\n"),
        ("name: prod", "name: live"),
    ],
)
def test_a_change_is_not_judged_by_rules_that_it_brings_itself(team, old, new):
    git(team.repo, "checkout", "-q", "-b", "review", "origin/main")
    team.write(PROD, SERVER.replace("digits-00000000", "digits-bbbbbbbb"))
    team.write("promotion.yaml", PROMOTION.replace(old, new))
    git(team.repo, "add", "-A")
    git(team.repo, "commit", "-qm", "Let it through")
    said = json.loads(run(team, "check", "-o", "json", code=1))["gates"]
    policy = next(gate["message"] for gate in said if gate["name"] == "mlplane/policy")
    assert f"promotion.yaml changes together with {PROD}: have it merged first" in policy


def test_environments_may_be_renamed_and_added_with_all_that_they_serve(team):
    run(team, "promote", "digits", "--to", "prod")
    team.merge(BRANCH)
    git(team.repo, "checkout", "-q", "-b", "review", "origin/main")
    git(team.repo, "mv", "envs/prod", "envs/live")
    more = "  - {name: far, path: envs/far, namespace: far, from: staging}\nforge:"
    said = PROMOTION.replace("path: envs/prod", "path: envs/live").replace("forge:", more)
    team.write("promotion.yaml", said)
    team.write("envs/far/README.md", "")
    git(team.repo, "add", "-A")
    git(team.repo, "commit", "-qm", "Rename")
    found = states(run(team, "check", "-o", "json"))
    assert found["mlplane/policy"] == "Passed"


def test_what_another_store_lacks_is_brought_by_the_command_that_is_named(team, tmp_path):
    other = f"file://{tmp_path}/prod-store"
    arguments = ["promote", "digits", "--to", "prod", "--store", other, "--kubeconfig", "gone"]
    said = " ".join(CliRunner().invoke(app, arguments).output.split())
    uris = said.partition("`mlplane store copy ")[2].partition(" --to ")[0].split()
    assert [uri.split("/")[2] for uri in uris] == ["models", "reports"]
    copied = run(team, "store", "copy", *uris, "--to", other)
    assert copied.count("copied store://") == 2
    assert run(team, "store", "copy", *uris, "--to", other).count("was there store://") == 2
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_what_is_not_committed_is_not_judged(team):
    team.write(STAGING, SERVER)
    assert "envs/staging has changes that are not committed" in " ".join(run(team, "check", code=1).split())


def test_a_version_that_main_has_taken_back_since_the_branch_was_made_fails_by_policy(team):
    """Else the merge of a stale branch would bring it again."""
    team.train("b", minute=2)
    team.promote()
    branch = "mlplane/promote/staging/digits"
    checked_out(team, branch)
    git(team.repo, "checkout", "-q", "main")
    team.revert(team.merge(branch, "--squash"))
    git(team.repo, "checkout", "-q", "review")
    assert "digits-bbbbbbbb was taken back by" in run(team, "check", code=1)
    git(team.repo, "checkout", "-q", "main")
    team.commit(f"Go on\n\nRe-promote: {team.bodies[2]['spec']['artifact']['digest']}")
    git(team.repo, "checkout", "-q", "review")
    assert states(run(team, "check", "-o", "json"))["mlplane/policy"] == "Passed"
