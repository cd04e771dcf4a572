"""What takes a promotion back, on a real repository with a bare remote."""

import pytest

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.promoting import Refused
from mlplane.gitops.rollingback import publish, survey
from mlplane.gitops.serverpins import pin_in
from promotionteam import SERVER, Team, git

PROMOTION = "mlplane/promote/staging/digits"
BRANCH = "mlplane/rollback/staging/digits"
FILE = "envs/staging/server.yaml"


@pytest.fixture
def team(tmp_path):
    """Staging has been given a, then b."""
    made = Team(tmp_path / "team")
    made.write(FILE, SERVER)
    made.commit("Add the server of staging")
    for minute, letter in enumerate("ab", 1):
        made.train(letter, minute=minute)
        made.promote()
        made.merge(PROMOTION)
    return made


def pinned(team, revision="main"):
    return pin_in(team.at(revision, FILE), FILE).name


def test_all_files_are_as_they_were_before_the_promotion(team):
    publish(survey(team.repo, "staging", "digits"))
    before = git(team.remote, "rev-parse", "main^1")
    assert git(team.remote, "rev-parse", f"{BRANCH}:envs") == git(team.remote, "rev-parse", f"{before}:envs")


def test_what_was_changed_since_stays_but_for_the_pin(team):
    git(team.repo, "pull", "-q", "origin", "main")
    team.write(FILE, team.at("main", FILE).replace("# The end.", "# The very end."))
    team.write("envs/staging/more.yaml", SERVER.replace("name: digits}", "name: more}"))
    team.commit("Work goes on")
    publish(survey(team.repo, "staging", "digits"))
    wanted = team.at("main", FILE).replace("digits-bbbbbbbb", "digits-aaaaaaaa")
    new, old = (team.bodies[i]["spec"]["artifact"]["digest"] for i in (2, 0))
    assert team.at(BRANCH, FILE) == wanted.replace(new, old)
    assert "envs/staging/more.yaml" in team.files(BRANCH)


def test_the_commit_says_what_it_reverts(team):
    publish(survey(team.repo, "staging", "digits"))
    said = git(team.remote, "log", "-1", "--format=%B", BRANCH)
    assert said.startswith("Take digits in staging back to digits-aaaaaaaa\n\nThis reverts commit ")
    assert f"Mlplane-Rollback: {team.bodies[2]['spec']['artifact']['digest']}" in said


def test_after_the_merge_the_version_is_held_and_a_second_rollback_goes_one_further(team):
    publish(survey(team.repo, "staging", "digits"))
    team.merge(BRANCH)
    assert pinned(team) == "digits-aaaaaaaa"
    with pytest.raises(Refused, match="digits-bbbbbbbb was taken back"):
        team.promote()
    with pytest.raises(InvalidInput, match="has no ModelVersion digits-00000000 any more"):
        survey(team.repo, "staging", "digits")


def test_what_was_promoted_since_somebody_looked_is_not_taken_back_instead(team):
    seen = survey(team.repo, "staging", "digits")
    team.train("c", minute=3)
    team.promote()
    team.merge(PROMOTION)
    with pytest.raises(Terminal, match="serves digits-cccccccc meanwhile, no more digits-bbbbbbbb: nothing"):
        publish(seen)
    assert BRANCH not in team.branches()


def test_again_it_pushes_nothing(team):
    assert (
        publish(survey(team.repo, "staging", "digits"))[1]
        == publish(survey(team.repo, "staging", "digits"))[1]
    )


def test_the_version_that_served_before_is_known_although_its_record_is_gone(team):
    git(team.repo, "pull", "-q", "origin", "main")
    git(team.repo, "rm", "-q", "envs/staging/models/digits-aaaaaaaa.yaml")
    team.commit("Tidy up")
    with pytest.raises(InvalidInput, match="restore its file from the history"):
        survey(team.repo, "staging", "digits")


def test_a_server_that_is_not_there_names_those_that_are(team):
    with pytest.raises(InvalidInput, match="staging has no server numbers; there are: digits"):
        survey(team.repo, "staging", "numbers")


def test_a_first_version_has_nothing_before_it(team):
    git(team.repo, "pull", "-q", "origin", "main")
    team.write("envs/prod/server.yaml", SERVER)
    team.commit("First")
    with pytest.raises(InvalidInput, match="serves digits-00000000, and nothing before that"):
        survey(team.repo, "prod", "digits")
