"""``spec.suspend``: a small world in which plans are carried out, as the engine and Argo would do it."""

import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import builders as b
from mlplane.reconcilers import trainingrun
from mlplane.reconcilers.plan import Plan

Body = dict[str, Any]
NODE = "digits-1-1[1].train(0)"


@dataclass
class World:
    """A run, its Workflows and pods."""

    run: Body = field(default_factory=b.run)
    dataset: Body = field(default_factory=b.ready_dataset)
    others: list[Body] = field(default_factory=list)
    workflows: dict[str, Body] = field(default_factory=dict)
    pods: list[Body] = field(default_factory=list)
    now: Any = b.NOW

    def plan(self) -> Plan:
        typed = b.TYPES["TrainingRun"].model_validate(self.run)
        bodies = (self.dataset, self.run, *self.others, *self.workflows.values(), *self.pods)
        return trainingrun.plan(typed, b.observed_by(trainingrun, typed, bodies), self.now, b.SETTINGS)

    def reconcile(self, *, is_killed: bool = False) -> Plan:
        """One pass; one that is killed does not write its status."""
        plan = self.plan()
        for made in plan.create:
            if made["kind"] == "Workflow":
                assert made["metadata"]["name"] not in self.workflows
                self.workflows[made["metadata"]["name"]] = copy.deepcopy(made)
        for applied in plan.apply:
            workflow = self.workflows[applied["metadata"]["name"]]
            workflow["metadata"]["annotations"] = applied["metadata"].get("annotations", {})
            for name in ("shutdown", "ttlStrategy"):
                workflow["spec"].pop(name, None)
            workflow["spec"] |= applied["spec"]
        if not is_killed:
            self.run["status"] = plan.status.to_body()
        return plan

    def suspend(self, wanted: bool = True) -> None:
        self.run["spec"]["suspend"] = wanted

    def train(self) -> None:
        """A pod trains in the newest Workflow."""
        name = max(self.workflows)
        node = {"id": "n", "name": NODE, "type": "Pod", "phase": "Running", "templateName": "train"}
        self.workflows[name]["status"] = {"phase": "Running", "nodes": {"n": node}, "progress": "5/32"}
        self.pods = [pod("Running")]

    def end(self, phase: str = "Failed") -> None:
        """The newest Workflow has ended; its pod has a moment more."""
        status = self.workflows[max(self.workflows)].setdefault("status", {})
        status |= {"phase": phase, "message": "Stopped with strategy 'Terminate'"}

    def suspended(self) -> "World":
        """As it is once a run was suspended in mid-training."""
        self.reconcile()
        self.train()
        self.suspend()
        self.reconcile()
        self.end()
        self.pods = [pod("Failed")]
        self.reconcile()
        return self

    @property
    def conditions(self) -> dict[str, tuple[str, str]]:
        return {c["type"]: (c["status"], c["reason"]) for c in self.run["status"]["conditions"]}


def pod(phase: str) -> Body:
    """A pod that has two GPUs; it has ended after a minute."""
    ended = {"terminated": {"startedAt": "2026-01-02T03:00:00Z", "finishedAt": "2026-01-02T03:01:00Z"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": b.meta("p", annotations={"workflows.argoproj.io/node-name": NODE}),
        "spec": {
            "containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": 2, "cpu": "1500m"}}}]
        },
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "main", "state": ended if phase == "Failed" else {"running": {}}}],
        },
    }


RUNNING = {"Ready": ("False", "Running"), "Reconciling": ("True", "Running")}
STOPPING = {
    "Ready": ("False", "Suspending"),
    "Reconciling": ("True", "Suspending"),
    "Suspended": ("False", "Suspending"),
}
STOPPED = {"Ready": ("False", "Suspended"), "Suspended": ("True", "Suspended")}


def test_a_workflow_is_told_to_stop_with_nothing_but_what_is_changed():
    world = World()
    world.reconcile()
    world.workflows["digits-1-1"]["metadata"]["resourceVersion"] = "7"
    world.suspend()
    (applied,) = world.reconcile().apply
    assert applied["metadata"] == {
        "name": "digits-1-1",
        "namespace": "default",
        "resourceVersion": "7",
        "annotations": {"mlplane.dev/suspended": "true"},
    }
    assert applied["spec"] == {"shutdown": "Terminate"}
    assert world.conditions == STOPPING
    assert world.reconcile().apply == (), "it is told once"


def test_it_is_suspended_when_the_last_pod_has_ended_and_not_before():
    world = World()
    world.reconcile()
    world.train()
    world.suspend()
    plan = world.reconcile()
    world.end()
    assert world.reconcile().requeue_after == plan.requeue_after == timedelta(seconds=2)
    assert world.conditions == STOPPING
    assert 'Pod "p"' in world.run["status"]["conditions"][0]["message"]
    world.pods = [pod("Failed")]
    world.reconcile()
    assert world.conditions == STOPPED
    assert world.run["status"]["usage"] == {"gpuSeconds": 120, "cpuSeconds": 90}


def test_what_is_suspended_stays_so_and_its_use_is_counted_once():
    world = World().suspended()
    before = copy.deepcopy(world.run["status"])
    plan = world.reconcile()
    assert (plan.create, plan.apply, plan.requeue_after) == ((), (), None)
    assert world.run["status"] == before


def test_it_goes_on_with_the_next_attempt_on_the_same_data():
    world = World().suspended()
    world.suspend(False)
    world.dataset = b.dataset()  # it has changed, and has no version as yet
    (made,) = world.reconcile().create
    assert made["metadata"]["name"] == "digits-1-2"
    assert b.DATA_DIGEST in str(made["spec"])
    assert world.conditions == RUNNING
    assert world.run["status"]["attempt"] == 2
    assert world.reconcile().create == ()
    world.workflows["digits-1-2"]["status"] = {"phase": "Failed", "nodes": {"n": used(gpu=30)}}
    world.reconcile()
    assert world.run["status"]["usage"] == {"gpuSeconds": 150, "cpuSeconds": 97}, "of both attempts"


def used(gpu: int) -> Body:
    return {
        "type": "Pod",
        "name": NODE,
        "resourcesDuration": {"cpu": 7, "memory": 900, "nvidia.com/gpu": gpu},
    }


def test_a_run_that_may_go_on_again_before_it_has_stopped_stops_first():
    world = World()
    world.reconcile()
    world.train()
    world.suspend()
    world.reconcile()
    world.suspend(False)
    assert (world.reconcile().create, world.conditions) == ((), STOPPING)
    world.end()
    world.pods = [pod("Failed")]
    world.reconcile()
    assert world.conditions == STOPPED
    world.reconcile()
    assert (world.conditions, sorted(world.workflows)) == (RUNNING, ["digits-1-1", "digits-1-2"])


def test_pods_that_nobody_has_looked_for_yet_count_as_alive():
    world = World()
    world.reconcile()
    world.train()
    world.suspend()
    world.reconcile(is_killed=True)  # the Workflow was told, and the status does not know
    world.suspend(False)
    world.end()
    for _ in range(2):
        assert (world.reconcile().create, world.conditions) == ((), STOPPING)
    world.pods = [pod("Failed")]
    world.reconcile()
    assert world.conditions == STOPPED


def test_a_controller_that_was_killed_at_any_pass_comes_to_the_same_end():
    world = World()
    for wanted in (True, False):
        world.reconcile(is_killed=True)
        world.reconcile()
        world.train()
        world.suspend(wanted)
        world.reconcile(is_killed=True)
        if wanted:
            assert [c for c in world.plan().status.conditions if c.type == "Suspended"]
            world.end()
            world.pods = [pod("Failed")]
            world.reconcile()
            world.reconcile(is_killed=True)
            world.reconcile()
            assert world.conditions == STOPPED
            world.suspend(False)
    assert sorted(world.workflows) == ["digits-1-1", "digits-1-2"]
    assert world.run["status"]["usage"]["gpuSeconds"] == 120


def test_a_run_that_is_suspended_from_the_start_starts_nothing():
    world = World()
    world.suspend()
    assert world.reconcile().create == ()
    assert world.conditions == STOPPED
    assert "it starts when" in world.run["status"]["conditions"][0]["message"]
    world.suspend(False)
    assert len(world.reconcile().create) == 1
    assert world.conditions == RUNNING


def test_a_run_that_ends_before_it_can_be_stopped_has_its_result():
    world = World()
    world.reconcile()
    world.suspend()
    world.reconcile()
    result = {"publish": {"result": b.run_result()}}
    world.workflows["digits-1-1"] = b.with_status(world.workflows["digits-1-1"], "Succeeded", result)
    world.reconcile()
    assert world.conditions == {"Ready": ("True", "Completed"), "Complete": ("True", "Succeeded")}


def test_what_a_person_has_terminated_has_failed_and_is_not_started_again():
    world = World()
    world.reconcile()
    world.workflows["digits-1-1"]["spec"]["shutdown"] = "Terminate"
    world.end()
    world.reconcile()
    assert world.conditions["Failed"] == ("True", "RunFailed")
    assert world.reconcile().create == ()


def test_a_run_that_has_failed_is_not_suspended():
    world = World()
    world.reconcile()
    world.end()
    world.suspend()
    world.reconcile()
    assert world.conditions["Failed"] == ("True", "RunFailed")


def test_a_workflow_is_deleted_later_once_its_run_is_recorded():
    world = World()
    world.run["spec"]["ttlSecondsAfterFinished"] = 60
    world.reconcile()
    world.end()
    assert "ttlStrategy" not in world.workflows["digits-1-1"]["spec"]
    assert world.reconcile().apply == ()
    (applied,) = world.reconcile().apply
    assert applied["spec"] == {"ttlStrategy": {"secondsAfterCompletion": 60}}
    assert world.reconcile().apply == ()
    world.run["spec"]["ttlSecondsAfterFinished"] = 5
    world.reconcile()
    assert world.workflows["digits-1-1"]["spec"]["ttlStrategy"] == {"secondsAfterCompletion": 5}
    del world.run["spec"]["ttlSecondsAfterFinished"]
    world.reconcile()
    assert "ttlStrategy" not in world.workflows["digits-1-1"]["spec"]
    world.workflows.clear()
    plan = world.reconcile()
    assert (plan.create, plan.apply, world.conditions["Failed"][0]) == ((), (), "True")


def test_the_workflow_of_each_attempt_is_deleted():
    world = World().suspended()
    world.suspend(False)
    world.reconcile()
    world.end()
    world.reconcile()
    world.run["spec"]["ttlSecondsAfterFinished"] = 60
    applied = world.reconcile().apply
    assert [body["metadata"]["name"] for body in applied] == ["digits-1-1", "digits-1-2"]
    assert applied[0]["spec"]["shutdown"] == "Terminate", "what was applied before stays applied"
