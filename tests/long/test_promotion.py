"""From new data to production and back, by commits and merges alone: three environments on one plane.

How long each step takes is printed (``pytest -s``); nothing depends on it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mergingteam import PROD, STAGING, Team, at_work
from plane import eventually

pytestmark = pytest.mark.timeout(600)


@contextmanager
def timed(step: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    print(f"{time.monotonic() - start:6.1f} s  {step}")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with at_work(tmp_path_factory.mktemp("promotion")) as made:
        yield made


def test_a_version_goes_from_a_run_by_merges_to_staging_and_prod(team: Team):
    with timed("first version: data, training, evaluation"):
        team.plane.kubectl("wait", "--for=create", "run/digits-1", "--timeout=60s")
        first = team.version_of("digits-1")
    with timed("first version: pull request to staging"):
        team.mlplane("promote", "digits", "--to", "staging")
    assert team.server(STAGING) == {}, "nothing happens before somebody merges"
    with timed("new data and the run that is to train on them: committed, pinned, pushed"):
        team.collect()
        team.mlplane("run", "new", "digits")
        team.publish("300 digits more")
    with timed("first version: merged, served in staging"):
        team.merge("mlplane/promote/staging/digits")
        team.until_served(STAGING, first)
    with timed("first version: pull request to prod, merged, served"):
        team.promote("prod", first)


def test_a_version_of_new_data_goes_the_same_way_if_its_bytes_are_those_that_were_judged(team: Team):
    first = team.version_of("digits-1")
    with timed("second version: rest of training and evaluation"):
        second = team.version_of("digits-2")
    lineage = team.plane.object("modelversion", second[0])["spec"]["lineage"]
    assert lineage["dataset"]["digest"] == team.plane.object("dataset", "digits")["status"]["digest"]
    assert team.plane.object("dataset", "digits")["status"]["rows"] == len(team.digits)
    team.mlplane("promote", "digits", "--to", "staging")
    with team.other_bytes(second[1]), timed("second version: merged with other bytes stored, held off"):
        team.merge("mlplane/promote/staging/digits")
        said = eventually(lambda: team.damage_told(STAGING), "the reason is told")
        assert "is damaged: file model.pt2" in said
        assert team.ask(STAGING) == team.predictions[first[1]], "the old version stays"
    with timed("second version: bytes restored, served in staging"):
        team.until_served(STAGING, second)
    with timed("second version: pull request to prod, merged, served"):
        team.promote("prod", second)


def test_a_revert_serves_the_version_before_without_training_although_dev_is_gone(team: Team):
    first, second = team.version_of("digits-1"), team.version_of("digits-2")
    with timed("dev: destroyed"):
        team.give_up_dev()
    assert team.trainings() == set()
    with timed("prod: git revert, the first version serves again"):
        team.git("revert", "--no-edit", "-m", "1", team.promotion_to(PROD))
        team.git("push", "origin", "main")
        team.until_served(PROD, first)
    said = team.mlplane("promote", "digits", "--to", "prod", code=1)
    assert f"mlplane/policy: {second[0]} was taken back by" in said
    with timed("prod: let on by a person; staging: rollback"):
        trailer = f"Re-promote: {second[1]}"
        team.git("commit", "--allow-empty", "-m", "It was the network", "--trailer", trailer)
        team.git("push", "origin", "main")
        team.mlplane("promote", "digits", "--to", "prod")
        team.mlplane("rollback", "digits", "--env", "staging")
        team.merge("mlplane/promote/prod/digits")
        team.merge("mlplane/rollback/staging/digits")
        team.until_served(PROD, second)
        team.until_served(STAGING, first)
    assert team.trainings() == set(), "nothing was trained or judged"
    assert team.history(PROD) == [
        (second[0], "promoted"),
        (first[0], "rolled back"),
        (second[0], "promoted"),
        (first[0], "promoted"),
    ]
