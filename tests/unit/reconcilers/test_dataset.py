"""A Dataset whose source is read again, in a world that a test drives through time, restarts and crashes."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

import builders as b
import datasetcases as cases
from mlplane.api import Dataset
from mlplane.api.conditions import is_current, of
from mlplane.reconcilers import dataset as reconciler

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOOD, OTHER = b.ingest_result(), cases.CHANGED_BYTES
FAILING = b.ingest_result(digest=cases.OTHER, uri=None, splits=[], checks=[cases.NULLS])


class World:
    """The Dataset and its Workflows, as an API server would keep them."""

    def __init__(self, body, source=GOOD):
        self.body = body
        self.source = source
        self.now = START
        self.workflows = {}
        self.made = []

    def settle(self, passes=8):
        """Pass after pass until nothing changes, as the engine does when a write wakes it."""
        for _ in range(passes):
            before = self.body
            self.step()
            if self.body == before:
                return
        raise AssertionError("it never comes to rest")

    def step(self, *, dies_before_status=False):
        typed = Dataset.model_validate(self.body)
        plan = reconciler.plan(
            typed, b.observed_by(reconciler, typed, tuple(self.workflows.values())), self.now, b.SETTINGS
        )
        for made in plan.create:
            name = made["metadata"]["name"]
            if name not in self.workflows:
                stamp = {"creationTimestamp": self.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
                self.workflows[name] = made | {"metadata": made["metadata"] | stamp}
                self.made.append(name)
        self.again = plan.requeue_after
        if not dies_before_status:
            self.body = self.body | {"status": json.loads(json.dumps(plan.status.to_body()))}

    def finish(self):
        """Every Workflow that runs reads the source as it is now."""
        for name, workflow in self.workflows.items():
            if not workflow.get("status"):
                self.workflows[name] = b.with_status(
                    workflow, "Succeeded", {"ingest": {"dataset": self.source}}
                )

    def expire(self):
        """Workflows that are over go by themselves."""
        self.workflows = {n: w for n, w in self.workflows.items() if not w.get("status")}

    def read(self):
        self.settle()
        self.finish()
        self.settle()

    def edit(self, **spec):
        meta = self.body["metadata"] | {"generation": self.body["metadata"]["generation"] + 1}
        whole = {k: v for k, v in (self.body["spec"] | spec).items() if v is not None}
        self.body = self.body | {"metadata": meta, "spec": whole}

    def condition(self, type_):
        return of(self.body, type_) or {}

    @property
    def digest(self):
        return self.body.get("status", {}).get("digest")


@pytest.fixture
def world():
    """Ingested at 03:04:05, and read again each hour."""
    made = World(cases.on_s3())
    made.read()
    assert is_current(made.body)
    return made


def test_the_first_look_does_not_wait_for_the_schedule_and_the_next_is_at_the_next_due_time(world):
    assert len(world.made) == 1
    assert world.now + world.again == datetime(2026, 1, 2, 4, tzinfo=UTC)


def test_a_due_time_that_comes_while_the_first_look_goes_on_is_followed():
    world = World(cases.on_s3())
    world.now = datetime(2026, 1, 2, 3, 59, 50, tzinfo=UTC)
    world.settle()
    world.now += timedelta(seconds=20)
    world.finish()
    world.settle()
    assert world.made[1:] == ["dataset-digits-202601020400"]


def test_a_due_time_makes_one_workflow_that_is_named_after_it(world):
    world.now = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
    world.read()
    world.now += timedelta(minutes=30)
    world.settle()
    assert world.made[1:] == ["dataset-digits-202601020400"]
    assert world.body["status"]["refreshed"] == "2026-01-02T04:00:00Z"


def test_due_times_that_were_missed_are_one(world):
    world.now = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)
    world.read()
    assert world.made[1:] == ["dataset-digits-202601050400"]


def test_a_workflow_that_goes_after_its_answer_was_read_is_not_made_again(world):
    world.now += timedelta(hours=1)
    world.read()
    world.expire()
    world.settle()
    assert len(world.made) == 2


def test_a_controller_that_dies_before_it_writes_the_status_makes_no_second_workflow(world):
    world.now += timedelta(hours=1)
    world.step(dies_before_status=True)
    world.read()
    assert world.made[1:] == ["dataset-digits-202601020400"]


def test_new_bytes_are_a_new_version(world):
    world.source = OTHER
    world.now += timedelta(hours=1)
    world.settle()
    assert is_current(world.body)
    world.read()
    assert (world.digest, is_current(world.body)) == (cases.OTHER, True)


def test_new_bytes_beside_a_pin_are_drift_until_the_pin_is_moved(world):
    world.edit(digest=b.DATA_DIGEST)
    world.settle()
    world.source = OTHER
    world.now += timedelta(hours=1)
    world.read()
    assert (world.digest, is_current(world.body)) == (b.DATA_DIGEST, True)
    assert world.condition("Drifted")["status"] == "True"
    assert b.DATA_DIGEST in world.condition("Drifted")["message"]
    assert cases.OTHER in world.condition("Drifted")["message"]
    assert len(world.made) == 2
    world.edit(digest=world.body["status"]["found"])
    world.read()
    assert (world.digest, is_current(world.body), world.condition("Drifted")) == (cases.OTHER, True, {})


def test_old_bytes_that_come_back_end_the_drift(world):
    world.edit(digest=b.DATA_DIGEST)
    for source, drifted in ((OTHER, True), (GOOD, False)):
        world.source = source
        world.now += timedelta(hours=1)
        world.read()
        assert bool(world.condition("Drifted")) == drifted


def test_a_pin_that_goes_lets_the_new_bytes_in(world):
    world.edit(digest=b.DATA_DIGEST)
    world.source = OTHER
    world.now += timedelta(hours=1)
    world.read()
    world.edit(digest=None)
    world.read()
    assert (world.digest, world.condition("Drifted")) == (cases.OTHER, {})


def test_new_bytes_that_fail_leave_the_version_and_say_so(world):
    world.source = FAILING
    world.now += timedelta(hours=1)
    world.read()
    assert (world.digest, is_current(world.body)) == (b.DATA_DIGEST, True)
    assert world.condition("Drifted")["reason"] == "ChecksFailed"
    assert "label" in world.condition("Drifted")["message"]
    assert world.body["status"]["checks"][0]["count"] == 17


def test_data_that_fail_at_first_are_mended_by_new_bytes_when_they_are_due():
    world = World(cases.on_s3(), source=FAILING)
    world.read()
    assert world.condition("Ready")["reason"] == "ChecksFailed"
    for hours in (1, 2):
        world.now = START + timedelta(hours=hours)
        world.read()
        world.expire()
        world.settle()
        assert world.condition("Ready")["reason"] == "ChecksFailed"
    world.source = GOOD
    world.now = START + timedelta(hours=3)
    world.read()
    assert is_current(world.body)
    assert len(world.made) == 4


def test_data_that_fail_at_first_are_mended_by_another_spec():
    world = World(b.dataset(), source=FAILING)
    world.read()
    assert world.digest is None
    world.source = GOOD
    world.edit(checks=[])
    world.read()
    assert is_current(world.body)


def test_a_deleted_workflow_has_the_source_read_again():
    world = World(b.dataset(), source=FAILING)
    world.read()
    world.source = GOOD
    world.workflows = {}
    world.read()
    assert is_current(world.body)


def test_an_edit_that_decides_nothing_reads_nothing(world):
    world.edit(retention={"versions": 2}, digest=b.DATA_DIGEST, refresh=None)
    world.settle()
    assert is_current(world.body)
    assert len(world.made) == 1
    assert "refreshed" not in world.body["status"]


def test_a_spec_that_comes_back_has_the_source_read_again():
    world = World(b.dataset())
    world.read()
    splits = world.body["spec"]["splits"]
    world.edit(splits=[{"name": "all", "percent": 100}])
    world.read()
    world.source = OTHER
    world.edit(splits=splits)
    world.read()
    assert world.digest == cases.OTHER


def test_a_change_of_the_spec_overtakes_a_due_time(world):
    world.now += timedelta(hours=1)
    world.settle()
    world.edit(splits=[{"name": "all", "percent": 100}])
    world.source = OTHER
    world.read()
    assert (world.digest, is_current(world.body)) == (cases.OTHER, True)
    world.source = GOOD
    world.settle()
    assert world.digest == cases.OTHER


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_due_time_is_followed_once_and_the_last_bytes_count(seed):
    chance = random.Random(seed)
    world = World(cases.on_s3(schedule="*/10 * * * *"))
    world.read()
    for _ in range(60):
        world.now += timedelta(seconds=chance.randrange(1, 1500))
        match chance.randrange(6):
            case 0:
                world.step(dies_before_status=True)
            case 1:
                world.source = chance.choice((GOOD, OTHER, FAILING))
            case 2:
                world.expire()
            case 3:
                world.finish()
            case _:
                world.step()
    world.finish()
    world.settle()
    world.now += timedelta(minutes=10)
    world.source = chance.choice((GOOD, OTHER))
    world.read()
    assert len(world.made) == len(set(world.made))
    assert world.digest == json.loads(world.source)["digest"]
    assert is_current(world.body)
