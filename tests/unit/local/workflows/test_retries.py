"""Attempts, their waits and their ends."""

import pytest


def one(make_workflow, make_container, strategy, **more):
    template = make_container("t") | {"retryStrategy": strategy}
    template["container"]["args"] = ["{{retries}}", "{{lastRetry.exitCode}}", "{{pod.name}}"]
    return make_workflow([], template, entrypoint="t", **more)


def attempt(world, number, code=1):
    world.ends(f"wf({number})", code, at=world.now())


def test_the_wait_grows_and_counts_from_the_recorded_end(make_world, make_workflow, make_container):
    strategy = {"limit": 3, "backoff": {"duration": "10", "factor": 2, "cap": "15"}}
    world = make_world(one(make_workflow, make_container, strategy))
    world.step()
    attempt(world, 0)
    world.step()
    assert (world.created(), world.node("wf")["message"]) == ([], "Backoff for 10 seconds")
    assert world.last.wake.isoformat() == "2026-01-01T00:00:11+00:00"
    world.clock += 7
    world.step()
    assert world.created() == []
    world.step()
    assert world.created() == ["wf(1)"]
    assert "message" not in world.node("wf")
    attempt(world, 1)
    world.step()
    assert world.node("wf")["message"] == "Backoff for 15 seconds"


def test_a_wait_that_is_over_while_nobody_looked_is_not_waited_again(
    make_world, make_workflow, make_container
):
    world = make_world(one(make_workflow, make_container, {"limit": 1, "backoff": {"duration": "1m"}}))
    world.step()
    attempt(world, 0)
    world.clock += 100
    world.step()
    assert world.created() == ["wf(1)"]


@pytest.mark.parametrize(
    ("backoff", "wait", "why"),
    [
        ({"duration": "1", "maxDuration": "30"}, 60, "Max duration limit exceeded"),
        ({"duration": "50", "maxDuration": "30"}, 0, "Backoff would exceed max duration limit"),
    ],
)
def test_all_attempts_together_may_take_so_long(
    make_world, make_workflow, make_container, backoff, wait, why
):
    world = make_world(one(make_workflow, make_container, {"limit": 9, "backoff": backoff}))
    world.step()
    attempt(world, 0)
    world.clock += wait
    status = world.step()
    assert (world.node("wf")["phase"], world.node("wf")["message"]) == ("Failed", why)
    assert status["message"] == why


def test_a_later_attempt_may_not_outlast_the_longest_time_of_all(make_world, make_workflow, make_container):
    strategy = {"limit": 9, "backoff": {"duration": "1", "maxDuration": "1m"}}
    world = make_world(one(make_workflow, make_container, strategy))
    world.step()
    assert "activeDeadlineSeconds" not in world.pod("wf(0)")["spec"]
    attempt(world, 0)
    world.clock += 9
    world.step()
    assert world.pod("wf(1)")["spec"]["activeDeadlineSeconds"] == 50


def test_an_attempt_knows_its_number_and_the_one_before(make_world, make_workflow, make_container):
    world = make_world(one(make_workflow, make_container, {"limit": 2}))
    world.step()
    attempt(world, 0, code=7)
    world.step()
    args = [world.pod(f"wf({n})")["spec"]["containers"][0]["args"] for n in (0, 1)]
    names = [world.pod(f"wf({n})")["metadata"]["name"] for n in (0, 1)]
    assert args == [["0", "0", names[0]], ["1", "7", names[1]]]


@pytest.mark.parametrize(
    ("code", "again", "why"),
    [(2, True, None), (1, False, "retryStrategy.expression evaluated to false")],
)
def test_an_expression_decides(make_world, make_workflow, make_container, code, again, why):
    strategy = {"limit": 5, "expression": "asInt(lastRetry.exitCode) > 1 && lastRetry.status != 'Error'"}
    world = make_world(one(make_workflow, make_container, strategy))
    world.step()
    attempt(world, 0, code)
    world.step()
    assert (world.created() == ["wf(1)"]) == again
    assert world.node("wf").get("message") == why


def test_with_an_expression_errors_are_retried_too(make_world, make_workflow, make_container):
    world = make_world(one(make_workflow, make_container, {"limit": 1, "expression": "true"}))
    world.step()
    world.is_lost("wf(0)")
    world.step()
    assert world.created() == ["wf(1)"]


@pytest.mark.parametrize(("words", "again"), [("read tcp: i/o timeout", True), ("division by zero", False)])
def test_trouble_that_passes_is_told_by_its_message(make_world, make_workflow, make_container, words, again):
    world = make_world(one(make_workflow, make_container, {"limit": 1, "retryPolicy": "OnTransientError"}))
    world.step()
    world.becomes("wf(0)", {"phase": "Failed", "message": words})
    world.step()
    assert (world.created() == ["wf(1)"]) == again


def test_a_broken_expression_is_an_error_that_says_so(make_world, make_workflow, make_container):
    world = make_world(
        one(make_workflow, make_container, {"limit": 1, "expression": "lastRetry.nothing > 1"})
    )
    world.step()
    attempt(world, 0)
    status = world.step()
    assert (status["phase"], world.node("wf")["phase"]) == ("Error", "Error")
    assert "unable to evaluate expression" in status["message"]


def test_steps_are_tried_again_as_a_whole(make_world, make_workflow, make_container):
    body = make_workflow([[{"name": "a", "template": "t"}]], make_container("t"))
    body["spec"]["templates"][0]["retryStrategy"] = {"limit": 1}
    world = make_world(body)
    world.step()
    assert world.created() == ["wf(0)[0].a"]
    world.ends("wf(0)[0].a", 1)
    world.step()
    assert world.created() == ["wf(1)[0].a"]
    world.ends("wf(1)[0].a")
    assert world.step()["phase"] == "Succeeded"
    assert world.names()["wf"] == "Retry Succeeded"


def test_defaults_of_the_workflow_hold_for_every_template(make_world, make_workflow, make_container):
    body = make_workflow(
        [],
        make_container("t"),
        entrypoint="t",
        templateDefaults={"retryStrategy": {"limit": 1}, "timeout": "30s"},
    )
    world = make_world(body)
    world.step()
    assert world.created() == ["wf(0)"]
    assert world.pod("wf(0)")["spec"]["activeDeadlineSeconds"] == 30
