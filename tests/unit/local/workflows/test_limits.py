"""Parallelism, failFast, deadlines, timeouts and suspended Workflows."""

import pytest


def loop(make_workflow, make_container, count=5, **spec):
    steps = [[{"name": "s", "template": "t", "withSequence": {"count": str(count)}}]]
    return make_workflow(steps, make_container("t"), **spec)


def active(world):
    return [n["name"] for n in world.nodes() if n["type"] == "Pod" and n["phase"] in ("Pending", "Running")]


@pytest.mark.parametrize("where", ["workflow", "template"])
def test_no_more_pods_run_at_once_than_may(make_world, make_workflow, make_container, where):
    body = loop(make_workflow, make_container, **({"parallelism": 2} if where == "workflow" else {}))
    if where == "template":
        body["spec"]["templates"][0]["parallelism"] = 2
    world = make_world(body)
    for _ in range(5):
        assert world.step()["phase"] == "Running"
        assert 0 < len(active(world)) <= 2
        world.ends(active(world)[0])
    assert world.step()["phase"] == "Succeeded"
    assert world.last.status["progress"] == "5/5"


def test_a_template_that_fails_fast_begins_nothing_after_a_failure(make_world, make_workflow, make_container):
    body = loop(make_workflow, make_container)
    body["spec"]["templates"][0] |= {"parallelism": 1, "failFast": True}
    world = make_world(body)
    world.step()
    world.ends(active(world)[0], 1)
    status = world.step()
    assert status["phase"] == "Failed"
    assert status["message"] == "template has failed or errored children and failFast enabled"
    assert world.created() == []


def test_a_workflow_past_its_deadline_ends_its_pods_and_begins_no_more(
    make_world, make_workflow, make_container
):
    groups = [[{"name": "a", "template": "t"}], [{"name": "b", "template": "t"}]]
    world = make_world(make_workflow(groups, make_container("t"), activeDeadlineSeconds=10, onExit="t"))
    world.step()
    assert world.pod("wf[0].a")["spec"]["activeDeadlineSeconds"] == 10
    assert world.last.wake.isoformat() == "2026-01-01T00:00:11+00:00"
    world.runs("wf[0].a")
    world.clock += 20
    world.step()
    node = world.node("wf[0].a")
    assert (node["phase"], node["message"]) == ("Failed", "Step exceeded its deadline")
    assert world.last.stop == (world.pod("wf[0].a")["metadata"]["name"],)
    assert world.created() == ["wf.onExit"], "what cleans up still runs"
    assert "activeDeadlineSeconds" not in world.pod("wf.onExit")["spec"]


def test_a_pod_has_the_deadline_of_its_template(make_world, make_workflow, make_container):
    template = make_container("t", inputs=("s",)) | {"activeDeadlineSeconds": "{{inputs.parameters.s}}"}
    given = {"parameters": [{"name": "s", "value": "7"}]}
    world = make_world(make_workflow([[{"name": "a", "template": "t", "arguments": given}]], template))
    world.step()
    assert world.pod("wf[0].a")["spec"]["activeDeadlineSeconds"] == 7


def test_a_pod_that_waits_longer_than_its_timeout_fails(make_world, make_workflow, make_container):
    template = make_container("t") | {"timeout": "30s"}
    world = make_world(make_workflow([[{"name": "a", "template": "t"}]], template))
    world.step()
    assert world.pod("wf[0].a")["spec"]["activeDeadlineSeconds"] == 30
    world.clock += 60
    status = world.step()
    assert (status["phase"], status["message"]) == ("Failed", "timeout")
    assert (world.node("wf[0].a")["phase"], len(world.last.stop)) == ("Failed", 1)


def test_a_suspended_workflow_keeps_its_pods_and_begins_no_others(make_world, make_workflow, make_container):
    groups = [[{"name": "a", "template": "t"}], [{"name": "b", "template": "t"}]]
    world = make_world(make_workflow(groups, make_container("t")))
    world.step()
    world.runs("wf[0].a")
    world.workflow["spec"]["suspend"] = True
    world.ends("wf[0].a")
    assert world.step()["phase"] == "Running"
    assert (world.node("wf[0].a")["phase"], world.created()) == ("Succeeded", [])
    world.workflow["spec"]["suspend"] = None
    world.step()
    assert world.created() == ["wf[1].b"]


def waiting(make_workflow, make_container, suspend, outputs=()):
    approve = {"name": "approve", "suspend": suspend, "outputs": {"parameters": list(outputs)}}
    given = [{"name": "v", "value": "{{steps.w.outputs.parameters.v}}"}] if outputs else []
    after = {"name": "b", "template": "t", "arguments": {"parameters": given}}
    return make_workflow(
        [[{"name": "w", "template": "approve"}], [after]],
        approve,
        make_container("t", inputs=("v",) if outputs else ()),
    )


def test_a_suspend_node_waits_its_time(make_world, make_workflow, make_container):
    world = make_world(waiting(make_workflow, make_container, {"duration": "20"}))
    world.step()
    assert world.names()["wf[0].w"] == "Suspend Running"
    assert world.last.status["progress"] == "0/1"
    assert world.last.wake.isoformat() == "2026-01-01T00:00:21+00:00"
    world.clock += 19
    world.step()
    assert (world.names()["wf[0].w"], world.created()) == ("Suspend Succeeded", ["wf[1].b"])


def test_a_suspend_node_goes_on_when_somebody_resumes_it(make_world, make_workflow, make_container):
    output = {"name": "v", "valueFrom": {"supplied": {}}}
    world = make_world(waiting(make_workflow, make_container, {}, [output]))
    world.step()
    assert world.last.wake is None
    node = world.node("wf[0].w")
    node |= {"phase": "Succeeded", "outputs": {"parameters": [{"name": "v", "value": "yes"}]}}
    world.step()
    assert world.pod("wf[1].b")["spec"]["containers"][0]["args"] == ["t", "--v=yes"]


@pytest.mark.parametrize(("default", "phase"), [("d", "Succeeded"), (None, "Error")])
def test_what_nobody_supplied_in_time_has_its_default(
    make_world, make_workflow, make_container, default, phase
):
    source = {"supplied": {}} | ({} if default is None else {"default": default})
    body = waiting(make_workflow, make_container, {"duration": "1"}, [{"name": "v", "valueFrom": source}])
    world = make_world(body)
    world.step()
    world.clock += 5
    world.step()
    assert world.node("wf[0].w")["phase"] == phase
    if default is None:
        assert "has not been set and does not have a default value" in world.node("wf[0].w")["message"]


def test_a_suspend_node_ends_with_the_workflow(make_world, make_workflow, make_container):
    world = make_world(waiting(make_workflow, make_container, {}))
    world.step()
    world.workflow["spec"]["shutdown"] = "Stop"
    status = world.step()
    assert world.node("wf[0].w")["message"] == "Stopped with strategy 'Stop'"
    assert status["phase"] == "Failed"
