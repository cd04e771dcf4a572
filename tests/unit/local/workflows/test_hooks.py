"""Exit handlers and hooks."""

import json

import pytest


def handled(make_workflow, make_container, **more):
    return make_workflow([[{"name": "a", "template": "t"}]], make_container("t"), make_container("h"), **more)


def test_an_exit_handler_runs_whatever_the_end_is_and_knows_it(make_world, make_workflow, make_container):
    body = handled(make_workflow, make_container, onExit="h")
    body["spec"]["templates"][2]["container"]["args"] = ["{{workflow.status}}", "{{workflow.failures}}"]
    world = make_world(body)
    world.step()
    world.ends("wf[0].a", 3)
    assert world.step()["phase"] == "Running"
    assert world.created() == ["wf.onExit"]
    pod = world.pod("wf.onExit")
    assert pod["metadata"]["labels"]["workflows.argoproj.io/on-exit"] == "true"
    status, failures = pod["spec"]["containers"][0]["args"]
    # Quoted twice, as in Argo: it is put into a script as a string.
    found = {each["displayName"]: each["message"] for each in json.loads(json.loads(failures))}
    assert (status, found["a"]) == ("Failed", "main: Error (exit code 3)")
    assert world.node("wf.onExit")["nodeFlag"] == {"hooked": True}
    world.ends("wf.onExit")
    assert world.step()["phase"] == "Failed"


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (1, "Failed")])
def test_a_failed_exit_handler_fails_what_had_succeeded(
    make_world, make_workflow, make_container, code, phase
):
    world = make_world(handled(make_workflow, make_container, hooks={"exit": {"template": "h"}}))
    world.step()
    world.ends("wf[0].a")
    world.step()
    world.ends("wf.onExit", code)
    status = world.step()
    assert status["phase"] == phase
    assert status.get("message") == ("main: Error (exit code 1)" if code else None)


@pytest.mark.parametrize(("strategy", "runs"), [("Stop", True), ("Terminate", False)])
def test_stop_spares_the_exit_handler_and_terminate_does_not(
    make_world, make_workflow, make_container, strategy, runs
):
    world = make_world(handled(make_workflow, make_container, onExit="h"))
    world.step()
    world.runs("wf[0].a")
    world.workflow["spec"]["shutdown"] = strategy
    world.step()
    assert (world.created() == ["wf.onExit"]) == runs
    if runs:
        world.runs("wf.onExit")
        world.step()
        assert world.node("wf.onExit")["phase"] == "Running"
        world.ends("wf.onExit")
        world.step()
    assert world.workflow["status"]["message"] == f"Stopped with strategy '{strategy}'"


def test_a_step_waits_for_its_exit_handler_which_gets_its_outputs(
    make_world, make_workflow, make_container, make_output
):
    given = {"parameters": [{"name": "v", "value": "{{steps.a.outputs.parameters.o}}"}]}
    body = make_workflow(
        [
            [{"name": "a", "template": "t", "hooks": {"exit": {"template": "h", "arguments": given}}}],
            [{"name": "b", "template": "t"}],
        ],
        make_container("t", make_output("o")),
        make_container("h", inputs=("v",)),
    )
    world = make_world(body)
    world.step()
    world.ends("wf[0].a", o="x")
    world.step()
    assert world.created() == ["wf[0].a.onExit"]
    assert world.pod("wf[0].a.onExit")["spec"]["containers"][0]["args"] == ["h", "--v=x"]
    assert world.node("wf[0].a.onExit")["displayName"] == "a.onExit"
    world.ends("wf[0].a.onExit")
    world.step()
    assert world.created() == ["wf[1].b"]


def test_a_hook_runs_once_when_its_condition_holds(make_world, make_workflow, make_container):
    hooks = {
        "began": {"template": "h", "expression": 'steps.a.status == "Running"'},
        "failed": {"template": "h", "expression": 'steps.a.status == "Failed"'},
    }
    body = make_workflow(
        [[{"name": "a", "template": "t", "hooks": hooks}]], make_container("t"), make_container("h")
    )
    world = make_world(body)
    world.step()
    assert world.created() == ["wf[0].a"]
    world.runs("wf[0].a")
    world.step()
    assert world.created() == ["wf[0].a.hooks.began"]
    world.ends("wf[0].a")
    assert world.step()["phase"] == "Running"
    world.ends("wf[0].a.hooks.began")
    assert world.step()["phase"] == "Succeeded"
    assert "wf[0].a.hooks.failed" not in world.names()


def test_a_hook_of_the_workflow_sees_its_status(make_world, make_workflow, make_container):
    hooks = {"began": {"template": "h", "expression": 'workflow.status == "Running"'}}
    world = make_world(handled(make_workflow, make_container, hooks=hooks))
    world.step()
    assert world.created() == ["wf[0].a", "wf.hooks.began"]


def test_a_task_waits_for_the_exit_handlers_of_those_before_it(make_world, make_dag, make_container):
    world = make_world(
        make_dag(
            {"name": "A", "onExit": "h"}, {"name": "B", "depends": "A"}, templates=(make_container("h"),)
        )
    )
    world.step()
    world.ends("wf.A")
    world.step()
    assert world.created() == ["wf.A.onExit"]
    world.ends("wf.A.onExit")
    world.step()
    assert world.created() == ["wf.B"]
