"""Which pods tell the metrics of a run, and where the store keeps them."""

import json

import pytest

import builders as b
from mlplane.cli.metriclines import check_trial, has_ended, key_of, logged, stored
from mlplane.errors import InvalidInput, Terminal
from mlplane.store.artifacts import Store

KEY = "sha256:" + "a" * 64
POINTS = [{"metrics": {"loss": 2.0}, "step": 1}, {"metrics": {"loss": 1.0}, "step": 2}]
RUN = {"metadata": {"name": "digits-1", "namespace": "default"}}


def pod(name, node, begun, phase="Succeeded"):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "annotations": {"workflows.argoproj.io/node-name": node},
        },
        "status": {"phase": phase, "startTime": begun},
    }


class Cluster:
    """Pods and their logs."""

    def __init__(self, *pods_and_logs):
        self._pods = [each for each, _ in pods_and_logs]
        self._logs = {each["metadata"]["name"]: log for each, log in pods_and_logs}

    async def list(self, _query):
        return self._pods

    async def logs(self, ref, _container):
        if (log := self._logs[ref.name]) is None:
            raise Terminal("no such pod")
        for step, loss in log:
            yield "some words\n"
            yield json.dumps({"mlplane": {"metrics": {"loss": loss}, "step": step}}) + "\n"


async def test_the_pods_of_all_attempts_tell_one_curve():
    cluster = Cluster(
        (pod("c", "digits-1-2[1].train(0)", "2026-01-02T04:00:00Z", "Running"), [(2, 7), (3, 1)]),
        (pod("a", "digits-1-1[1].train(0)", "2026-01-02T03:00:00Z", "Failed"), [(1, 3), (2, 2)]),
        (pod("b", "digits-1-1[1].train(1)", "2026-01-02T03:30:00Z", "Failed"), None),
        (pod("d", "digits-1-2[2].evaluate(0)", "2026-01-02T05:00:00Z"), [(9, 9)]),
        (pod("e", "digits-1-2[1].train(1)", "", "Pending"), [(9, 9)]),
    )
    assert (await logged(cluster, RUN, None)).series == {"loss": {1: 3, 2: 7, 3: 1}}


async def test_a_trial_is_told_by_its_own_pods():
    name = "digits-1-1[1].trial({}:cached:false,index:{})[0].train(0)"
    cluster = Cluster(
        (pod("a", name.format(0, 1), "2026-01-02T03:00:00Z"), [(1, 1)]),
        (pod("b", name.format(1, 2), "2026-01-02T03:00:00Z"), [(1, 2)]),
        (pod("k", name.format(10, 11), "2026-01-02T03:00:00Z"), [(1, 11)]),
    )
    assert [(await logged(cluster, RUN, trial)).series for trial in (1, 2, 11)] == [
        {"loss": {1: 1}},
        {"loss": {1: 2}},
        {"loss": {1: 11}},
    ]


def test_the_store_keeps_what_the_pods_told(tmp_path):
    store = Store(f"file://{tmp_path}")
    store.put_json(f"runs/{'a' * 64}/metrics.json", {"version": 1, "points": POINTS})
    assert stored(KEY, store.url, None).series == {"loss": {1: 2.0, 2: 1.0}}
    assert stored("sha256:" + "b" * 64, store.url, None).series == {}
    assert stored("", store.url, None).series == {}


def test_where_no_store_is_known_there_is_nothing_and_a_wrong_one_is_an_error(monkeypatch, tmp_path):
    monkeypatch.delenv("MLPLANE_STORE", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert stored(KEY, "", None).series == {}
    with pytest.raises(InvalidInput):
        stored(KEY, "nowhere://x", None)


def test_the_key_of_a_trial_is_its_own():
    trials = [{"index": 1, "runKey": "one"}, {"index": 2, "runKey": "two"}]
    run = {"status": {"runKey": KEY, "trials": trials}}
    assert [key_of(run, trial) for trial in (None, 1, 2, 3)] == [KEY, "one", "two", ""]
    assert not has_ended(run)
    assert has_ended({"status": {"conditions": [{"type": "Failed", "status": "True"}]}})


def test_a_trial_that_there_is_not_is_said_to_be_none():
    run = b.run()
    with pytest.raises(InvalidInput, match='TrainingRun "digits-1" is no sweep: leave out --trial'):
        check_trial(run, 1)
    run["spec"]["sweep"] = {
        "method": "Grid",
        "parameters": [{"name": "width", "values": [1, 2]}],
        "objective": {"metric": "loss", "goal": "Minimize"},
    }
    check_trial(run, 2)
    with pytest.raises(InvalidInput, match='--trial 3: TrainingRun "digits-1" has 2 trials'):
        check_trial(run, 3)
