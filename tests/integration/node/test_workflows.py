"""Workflows of real processes; engines and shims are killed in their middle."""

import os
import random
import signal

import pytest

from mlplane.api.refs import Ref
from mlplane.local.node import runs
from mlplane.local.workflows import engine

NAMESPACE = "node-test"

pytestmark = pytest.mark.timeout(240)


async def test_outputs_go_from_step_to_step_and_skipped_steps_give_their_defaults(world, step, script):
    key = "{{steps.check.outputs.parameters.cached}}"
    groups = [
        [step("check")],
        [step("train", f"{key} == false"), step("other", f"{key} != false")],
        [
            step(
                "report",
                a="{{steps.train.outputs.parameters.model}}",
                b="{{steps.other.outputs.parameters.model}}",
            )
        ],
    ]
    world.start()
    await world.workflow(
        "w",
        groups,
        script("check", "echo true > $OUT/cached", {"cached": None}),
        script("train", "exit 1", {"model": "none"}),
        script("other", "printf m-1 > $OUT/model", {"model": None}),
        script("report", 'echo "$a/$b" > $OUT/all', {"all": None}, ("a", "b")),
    )
    body = await world.phase("Workflow", "w", "Succeeded", "Failed", "Error")
    assert body["status"]["phase"] == "Succeeded"
    assert body["status"]["progress"] == "3/3"
    assert body["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"
    assert (await world.node("w", "[1].train"))["message"] == "when 'true == false' evaluated false"
    assert (await world.node("w", "[2].report"))["outputs"]["parameters"][0]["value"] == "none/m-1"


async def test_a_failing_step_fails_the_workflow_with_the_exit_code(world, step, script):
    world.start()
    await world.workflow(
        "w", [[step("a")], [step("b")]], script("a", "exit 5", retry="OnError"), script("b", "true")
    )
    body = await world.phase("Workflow", "w", "Succeeded", "Failed", "Error")
    assert body["status"]["phase"] == "Failed"
    node = await world.node("w", "[0].a(0)")
    assert (node["message"], node["outputs"]["exitCode"]) == ("main: Error (exit code 5)", "5")
    assert await world.node("w", "[0].a(1)") == {}
    assert await world.pod_of("w", "[1].b") == {}


async def test_a_field_outside_the_subset_is_refused_at_once_by_name(world, step, script):
    world.start()
    await world.workflow("w", [[step("a")]], script("a", "true"), volumeClaimTemplates=[])
    body = await world.phase("Workflow", "w", "Error")
    assert "volumeClaimTemplates" in body["status"]["message"]
    assert body["metadata"]["labels"]["workflows.argoproj.io/phase"] == "Error"
    assert await world.pod_of("w", "[0].a") == {}


async def test_progress_of_a_running_step_is_on_its_node_and_on_the_workflow(world, step, script):
    world.start()
    await world.workflow("w", [[step("a")]], script("a", "echo 2/5 >> $ARGO_PROGRESS_FILE; sleep 60"))
    await world.wait_for("Workflow", "w", lambda s: s.get("progress") == "2/5")


async def test_the_engines_are_killed_in_mid_run_and_the_same_process_goes_on(world, step, script):
    world.start()
    work = "echo begin $$$$; while [ ! -e go ]; do sleep 0.05; done; echo end $$$$; echo done > $OUT/x"
    await world.workflow(
        "w", [[step("a")], [step("b")]], script("a", work, {"x": None}, retry="OnError"), script("b", "true")
    )
    await world.wait_for("Workflow", "w", lambda s: (s.get("conditions") or [{}])[0].get("status") == "True")
    pod = await world.pod_of("w", "[0].a(0)")
    before = world.run(pod)
    world.kill()
    assert world.run(pod) == before
    world.start()
    (world.folder(pod).root / "go").touch()
    await world.phase("Workflow", "w", "Succeeded")
    assert world.log(pod).splitlines() == [f"begin {before.pid}", f"end {before.pid}"]
    assert len(runs.read(world.folder(pod), "main")) == 1
    assert await world.node("w", "[0].a(1)") == {}


async def test_a_step_that_ends_while_no_engine_runs_is_read_afterwards(world, step, script):
    world.start()
    work = "while [ ! -e go ]; do sleep 0.05; done; echo v > $OUT/x"
    await world.workflow("w", [[step("a")]], script("a", work, {"x": None}))
    await world.wait_for("Workflow", "w", lambda s: (s.get("conditions") or [{}])[0].get("status") == "True")
    pod = await world.pod_of("w", "[0].a")
    world.kill()
    (world.folder(pod).root / "go").touch()
    await world.until(lambda: world.run(pod).is_over)
    world.start()
    await world.phase("Workflow", "w", "Succeeded")
    assert (await world.node("w", "[0].a"))["outputs"]["parameters"][0]["value"] == "v"


async def test_a_killed_shim_is_a_lost_pod_whose_step_is_run_again(world, step, script, tmp_path):
    mark = tmp_path / "mark"
    world.start()
    work = f"if [ -e {mark} ]; then exit 0; fi; touch {mark}; exec sleep 60"
    await world.workflow("w", [[step("a")]], script("a", work, retry="OnError"))
    await world.until(mark.exists)
    pod = await world.pod_of("w", "[0].a(0)")
    run = world.run(pod)
    os.kill(world.shim_of(pod), signal.SIGKILL)
    await world.phase("Workflow", "w", "Succeeded")
    assert (await world.get("Pod", pod["metadata"]["name"]))["status"]["reason"] == "NodeLost"
    assert (await world.node("w", "[0].a(0)"))["phase"] == "Error"
    assert (await world.node("w", "[0].a(1)"))["phase"] == "Succeeded"
    assert run.pid not in world.running()


async def test_a_graceful_stop_in_mid_run_retries_the_step_in_the_same_workflow(
    world, step, script, tmp_path
):
    mark = tmp_path / "mark"
    world.start()
    work = f"if [ -e {mark} ]; then exit 0; fi; touch {mark}; exec sleep 60"
    await world.workflow("w", [[step("a")]], script("a", work, retry="OnError"))
    await world.until(mark.exists)
    uid = (await world.get("Workflow", "w"))["metadata"]["uid"]
    await world.stop()
    assert world.running() == []
    world.start()
    body = await world.phase("Workflow", "w", "Succeeded")
    assert body["metadata"]["uid"] == uid
    first = await world.node("w", "[0].a(0)")
    assert first["phase"] == "Error"
    assert "stopped" in first["message"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_engines_killed_at_any_moment_run_every_step_once(world, step, script, tmp_path, seed):
    ran = tmp_path / "ran"
    chance = random.Random(seed)
    names = ["a", "b", "c", "d"]
    templates = [
        script(n, f"echo {n} >> {ran}; sleep 0.3; echo {n} > $OUT/x", {"x": None}, retry="OnError")
        for n in names
    ]
    await world.workflow("w", [[step("a"), step("b")], [step("c")], [step("d")]], *templates)
    for _ in range(6):
        world.start()
        await world.pause(chance.uniform(0.3, 1.6))
        world.kill()
    world.start()
    await world.phase("Workflow", "w", "Succeeded")
    assert sorted(ran.read_text().split()) == names


@pytest.mark.parametrize("strategy", ["Terminate", "Stop"])
async def test_a_workflow_that_is_shut_down_ends_its_process_and_keeps_the_log(world, step, script, strategy):
    world.start()
    work = "trap 'echo saved; exit 1' TERM; echo begun; sleep 60 & wait"
    await world.workflow(
        "w", [[step("a")], [step("b")]], script("a", work, retry="OnError"), script("b", "true")
    )
    await world.wait_for("Workflow", "w", lambda s: (s.get("conditions") or [{}])[0].get("status") == "True")
    pod = await world.pod_of("w", "[0].a(0)")
    await world.until(lambda: "begun" in world.log(pod))
    await world.change("Workflow", "w", {"spec": {"shutdown": strategy}})
    body = await world.phase("Workflow", "w", "Failed")
    assert body["status"]["message"] == f"Stopped with strategy '{strategy}'"
    await world.until(lambda: not world.running())
    assert world.log(pod) == "begun\nsaved\n"
    assert await world.pod_of("w", "[0].a(1)") == {}
    assert await world.pod_of("w", "[1].b") == {}


async def test_a_pod_that_the_api_server_refuses_is_an_error_that_says_why(world, step, script):
    world.start()
    labels = {"labels": {"a": "not a label!"}}
    await world.workflow("w", [[step("a")]], script("a", "true"), podMetadata=labels)
    await world.phase("Workflow", "w", "Failed")
    node = await world.node("w", "[0].a")
    assert node["phase"] == "Error"
    assert "not a label!" in node["message"]


async def test_an_image_that_is_not_allowed_keeps_the_step_pending_and_says_why(world, step, script):
    template = script("a", "true")
    template["container"]["image"] = "nginx:1"
    world.start()
    await world.workflow("w", [[step("a")]], template)
    await world.until(lambda: world.node("w", "[0].a"), lambda n: "ErrImagePull" in n.get("message", ""))
    assert (await world.node("w", "[0].a"))["phase"] == "Pending"


@pytest.mark.parametrize("seed", [3])
async def test_engines_killed_at_any_moment_make_each_attempt_of_a_dag_once(
    world, step, script, tmp_path, seed
):
    ran = tmp_path / "ran"
    chance = random.Random(seed)
    note = f"echo '{{{{node.name}}}}' >> {ran}; sleep 0.2"
    flaky = script("flaky", f"{note}; test {{{{retries}}}} = 1")
    flaky["retryStrategy"] = {"limit": "2", "backoff": {"duration": "1"}}
    tasks = [
        {"name": "loop", "template": "plain", "withItems": ["x", "y"]},
        {"name": "flaky", "template": "flaky", "depends": "loop", "onExit": "plain"},
        {"name": "last", "template": "plain", "depends": "flaky"},
        {"name": "never", "template": "plain", "depends": "flaky.Failed"},
    ]
    dag = {"name": "entry-dag", "dag": {"tasks": tasks}}
    plain = script("plain", note)
    await world.workflow("w", [[step("plain")]], plain, flaky, dag, entrypoint="entry-dag", onExit="plain")
    for _ in range(5):
        world.start()
        await world.pause(chance.uniform(0.3, 1.6))
        world.kill()
    world.start()
    body = await world.phase("Workflow", "w", "Succeeded", "Failed", "Error")
    assert body["status"]["phase"] == "Succeeded"
    names = ["w.loop(0:x)", "w.loop(1:y)", "w.flaky", "w.flaky", "w.flaky.onExit", "w.last", "w.onExit"]
    assert sorted(ran.read_text().split()) == sorted(names)
    assert (await world.node("w", ".never"))["phase"] == "Omitted"


async def test_a_workflow_past_its_deadline_ends_its_process(world, step, script):
    world.start()
    await world.workflow(
        "w", [[step("a")], [step("b")]], script("a", "sleep 60"), script("b", "true"), activeDeadlineSeconds=2
    )
    await world.phase("Workflow", "w", "Failed")
    await world.until(lambda: not world.running())
    assert (await world.node("w", "[0].a"))["phase"] == "Failed"
    assert await world.pod_of("w", "[1].b") == {}


async def test_what_is_over_is_deleted_when_it_shall_be(world, step, script):
    world.start()
    await world.workflow(
        "w",
        [[step("a")], [step("b")]],
        script("a", "true"),
        script("b", "sleep 1"),
        podGC={"strategy": "OnPodCompletion", "deleteDelayDuration": "0"},
        ttlStrategy={"secondsAfterSuccess": 1},
    )
    await world.until(lambda: world.node("w", "[1].b"))
    await world.until(lambda: world.pod_of("w", "[0].a"), lambda pod: not pod)
    assert (await world.get("Workflow", "w"))["status"]["phase"] == "Running"
    await world.until(lambda: world.get("Workflow", "w"), lambda body: not body)


async def test_a_step_that_uses_more_memory_than_it_may_fails_and_says_so(world, step, script):
    hungry = script("a", "")
    hungry["container"] |= {
        "command": ["python", "-c", "import time; kept = bytearray(200_000_000); time.sleep(60)"],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    world.start()
    await world.workflow("w", [[step("a")]], hungry)
    await world.phase("Workflow", "w", "Failed")
    assert (await world.node("w", "[0].a"))["message"] == "main: OOMKilled (exit code 137)"


async def test_pods_that_went_with_their_workflow_are_not_made_again(world, step, script, monkeypatch):
    """The Workflow was read, then deleted: that its Pods are missing says nothing any more."""
    ref, list_, made = Ref("argoproj.io/v1alpha1", "Workflow", NAMESPACE, "w"), world.cluster.list, []

    async def meddle(query):
        await world.cluster.delete(ref)
        return await list_(query)

    async def create(body, *, manager):
        made.append(body["metadata"]["name"])

    await world.workflow("w", [[step("a")]], script("a", "true"))
    monkeypatch.setattr(world.cluster, "list", meddle)
    monkeypatch.setattr(world.cluster, "create", create)
    await engine._Engine(world.cluster, world.root)._pass(ref)
    monkeypatch.undo()
    assert await world.cluster.get(ref) is None
    assert made == []
