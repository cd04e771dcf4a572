"""Life cycle and status of pods, from runs."""

from datetime import UTC, datetime

import pytest

from mlplane.local.node.lifecycle import Backoff, due, phase_of
from mlplane.local.node.refusals import CannotStart
from mlplane.local.node.runs import Run
from mlplane.local.node.status import Observed, status_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BACKOFF = Backoff()


def running(attempt=0):
    return Run(attempt, "running", 7, "7-x", 100.0)


def exited(code=0, attempt=0, lived=1.0, **more):
    return Run(attempt, "exited", 7, "7-x", 100.0, 100.0 + lived, code, **more)


def lost(attempt=0):
    return Run(attempt, "lost", 7, "7-x", 100.0, 100.0, 137)


def status(pod, observed, before=None):
    return status_of(pod, before or {}, observed, NOW, BACKOFF)


@pytest.mark.parametrize(
    ("policy", "run", "want"),
    [
        ("Never", None, "Pending"),
        ("Never", Run(0, "starting"), "Pending"),
        ("Never", running(), "Running"),
        ("Never", exited(0), "Succeeded"),
        ("Never", exited(1), "Failed"),
        ("Never", lost(), "Failed"),
        ("OnFailure", exited(0), "Succeeded"),
        ("OnFailure", exited(1), "Running"),
        ("OnFailure", lost(), "Running"),
        ("Always", exited(0), "Running"),
    ],
)
def test_the_phase_follows_from_the_container_and_the_policy(make_pod, policy, run, want):
    pod = make_pod(restartPolicy=policy)
    assert phase_of(pod, {"c0": (run,) if run else ()}) == want


@pytest.mark.parametrize(
    ("policy", "attempts", "now", "want"),
    [
        ("Never", (), 0.0, [0]),
        ("Never", (exited(1),), 999.0, []),
        ("OnFailure", (exited(0),), 999.0, []),
        ("OnFailure", (exited(1),), 101.0, [1]),
        ("Always", (exited(0),), 101.0, [1]),
        ("Always", (exited(1), exited(1, 1)), 110.0, []),
        ("Always", (exited(1), exited(1, 1)), 111.0, [2]),
        ("Always", (exited(1), exited(1, 1), exited(1, 2)), 120.0, []),
        ("Always", (exited(1), exited(1, 1), exited(1, 2)), 121.0, [3]),
        ("Always", (exited(1), exited(1, 1, lived=700.0)), 800.0, [2]),
        ("Always", (exited(1), exited(143, 1, stopped=True)), 101.0, [2]),
        ("Always", (lost(),), 100.0, [1]),
        ("Never", (lost(),), 999.0, []),
    ],
)
def test_a_container_is_started_again_by_its_policy_and_after_a_growing_pause(
    make_pod, policy, attempts, now, want
):
    pod = make_pod(restartPolicy=policy)
    assert [n for _, n in due(pod, {"c0": attempts}, now, BACKOFF)] == want


def test_the_pause_has_a_limit():
    assert BACKOFF.delay(tuple(exited(1, n) for n in range(8))) == 300.0


def test_init_containers_run_one_after_the_other_and_first(make_pod):
    inits = [{"name": n, "image": "i", "command": ["x"]} for n in ("i0", "i1")]
    pod = make_pod(restartPolicy="Never", initContainers=inits)
    names = lambda found: [c["name"] for c, _ in due(pod, found, 999.0, BACKOFF)]  # noqa: E731
    assert names({}) == ["i0"]
    assert names({"i0": (running(),)}) == []
    assert names({"i0": (exited(0),)}) == ["i1"]
    assert names({"i0": (exited(0),), "i1": (exited(0),)}) == ["c0"]
    assert names({"i0": (exited(1),)}) == []
    assert phase_of(pod, {"i0": (exited(1),)}) == "Failed"


def test_a_running_pod_is_ready_when_its_probes_say_so(make_pod):
    pod = make_pod()
    unready = status(pod, Observed({"c0": (running(),)}))
    ready = status(pod, Observed({"c0": (running(),)}, frozenset({"c0"})), unready)
    for found, want in ((unready, "False"), (ready, "True")):
        conditions = {c["type"]: c["status"] for c in found["conditions"]}
        assert conditions == {
            "PodScheduled": "True",
            "Initialized": "True",
            "ContainersReady": want,
            "Ready": want,
        }
    state = ready["containerStatuses"][0]
    assert state["state"] == {"running": {"startedAt": "1970-01-01T00:01:40Z"}}
    assert (state["ready"], state["started"], state["containerID"]) == (True, True, "process://7-x")
    assert (ready["podIP"], ready["startTime"]) == ("127.0.0.1", "2026-01-01T00:00:00Z")


def test_times_of_what_does_not_change_are_kept(make_pod):
    pod = make_pod()
    before = status(pod, Observed({"c0": (running(),)}, frozenset({"c0"})))
    later = datetime(2026, 1, 2, tzinfo=UTC)
    assert status_of(pod, before, Observed({"c0": (running(),)}, frozenset({"c0"})), later, BACKOFF) == before


def test_an_ended_container_has_its_exit_code_and_times(make_pod):
    found = status(
        make_pod(restartPolicy="Never"), Observed({"c0": (exited(3),)}, last_words={"c0": "Traceback"})
    )
    ended = found["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "Traceback")
    assert (ended["startedAt"], ended["finishedAt"]) == ("1970-01-01T00:01:40Z", "1970-01-01T00:01:41Z")
    assert found["phase"] == "Failed"


def test_a_container_that_used_too_much_memory_says_so(make_pod):
    pod = make_pod(restartPolicy="Never")
    made = status(pod, Observed({"c0": (exited(137, out_of_memory=True),)}))
    ended = made["containerStatuses"][0]["state"]["terminated"]
    assert (made["phase"], ended["reason"], ended["exitCode"]) == ("Failed", "OOMKilled", 137)


def test_a_container_that_cannot_start_waits_and_says_why(make_pod):
    refused = {"c0": CannotStart("ErrImagePull", "not here")}
    found = status(make_pod(), Observed(refused=refused))
    assert found["phase"] == "Pending"
    assert found["containerStatuses"][0]["state"] == {
        "waiting": {"reason": "ErrImagePull", "message": "not here"}
    }


def test_a_container_that_keeps_ending_is_in_back_off(make_pod):
    found = status(make_pod(), Observed({"c0": (exited(1), exited(2, 1))}))["containerStatuses"][0]
    assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert (found["lastState"]["terminated"]["exitCode"], found["restartCount"]) == (2, 1)


def test_a_lost_pod_says_so_and_a_stopped_one_too(make_pod):
    pod = make_pod(restartPolicy="Never")
    gone = status(pod, Observed({"c0": (lost(),)}))
    assert (gone["phase"], gone["reason"]) == ("Failed", "NodeLost")
    verdict = {"reason": "NodeShutdown", "message": "m"}
    stopped = status(pod, Observed({"c0": (exited(0),)}, verdict=verdict))
    assert (stopped["phase"], stopped["reason"], stopped["message"]) == ("Failed", "NodeShutdown", "m")
    assert status(pod, Observed({"c0": (running(),)}, verdict=verdict))["phase"] == "Running"
