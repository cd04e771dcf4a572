"""DAG templates."""

import pytest


def test_a_diamond_runs_in_its_order_and_hangs_together_as_in_argo(make_world, make_dag):
    world = make_world(
        make_dag(
            {"name": "A"},
            {"name": "B", "depends": "A"},
            {"name": "C", "depends": "A"},
            {"name": "D", "depends": "B && C"},
        )
    )
    world.step()
    assert world.created() == ["wf.A"]
    assert world.node("wf")["children"] == [world.node("wf.A")["id"]]
    world.ends("wf.A")
    world.step()
    assert world.created() == ["wf.B", "wf.C"]
    world.ends("wf.B")
    world.step()
    assert world.created() == []
    world.ends("wf.C")
    world.step()
    assert world.created() == ["wf.D"]
    world.ends("wf.D")
    status = world.step()
    assert (status["phase"], status["progress"], status.get("message")) == ("Succeeded", "4/4", None)
    below = world.node("wf.D")["id"]
    assert [world.node(f"wf.{n}")["children"] for n in "BC"] == [[below], [below]]
    assert world.node("wf")["outboundNodes"] == [below]
    assert world.node("wf.D")["displayName"] == "D"


def test_tasks_after_a_failure_are_omitted_and_the_dag_fails(make_world, make_dag):
    world = make_world(make_dag({"name": "A"}, {"name": "B", "dependencies": ["A"]}))
    world.all_end(A=1)
    assert world.names() == {"wf": "DAG Failed", "wf.A": "Pod Failed", "wf.B": "Skipped Omitted"}
    assert world.node("wf.B")["message"] == "omitted: depends condition not met"
    assert world.workflow["status"]["phase"] == "Failed"


@pytest.mark.parametrize("fails_fast", [True, False])
def test_a_dag_fails_when_a_target_has_failed_and_nothing_runs_any_more(make_world, make_dag, fails_fast):
    tasks = ({"name": "A"}, {"name": "B"}, {"name": "C", "depends": "B"})
    world = make_world(make_dag(*tasks, dag={"failFast": fails_fast}))
    world.step()
    world.ends("wf.A", 1)
    world.runs("wf.B")
    assert world.step()["phase"] == "Running"
    world.all_end()
    assert world.names() == {
        "wf": "DAG Failed",
        "wf.A": "Pod Failed",
        "wf.B": "Pod Succeeded",
        "wf.C": "Pod Succeeded",
    }


def test_a_task_that_may_fail_does_not_fail_the_dag(make_world, make_dag):
    world = make_world(
        make_dag({"name": "A", "continueOn": {"failed": True}}, {"name": "B", "dependencies": ["A"]})
    )
    world.all_end(A=1)
    assert world.names() == {"wf": "DAG Succeeded", "wf.A": "Pod Failed", "wf.B": "Pod Succeeded"}


def test_a_branch_ends_as_its_last_task_does(make_world, make_dag):
    world = make_world(make_dag({"name": "A"}, {"name": "B", "depends": "A.Failed"}))
    world.all_end(A=1)
    assert world.names() == {"wf": "DAG Succeeded", "wf.A": "Pod Failed", "wf.B": "Pod Succeeded"}


def test_only_what_leads_to_the_target_runs(make_world, make_dag):
    tasks = ({"name": "A"}, {"name": "B", "depends": "A"}, {"name": "C", "depends": "A"})
    world = make_world(
        make_dag(
            *tasks,
            dag={"target": "{{workflow.parameters.t}}"},
            arguments={"parameters": [{"name": "t", "value": "C"}]},
        )
    )
    world.all_end()
    assert set(world.names()) == {"wf", "wf.A", "wf.C"}


def test_a_loop_is_a_group_of_turns_whose_results_are_known_together(make_world, make_dag, make_container):
    items = [{"name": "v", "value": "{{item}}"}]
    total = [{"name": "v", "value": "{{tasks.A.outputs.parameters.o}}"}]
    producer = make_container("p", {"name": "o", "valueFrom": {"path": "/mnt/mlplane/out/o"}}, inputs=("v",))
    world = make_world(
        make_dag(
            {"name": "A", "template": "p", "withItems": ["x", "y"], "arguments": {"parameters": items}},
            {"name": "B", "template": "c", "depends": "A", "arguments": {"parameters": total}},
            templates=(producer, make_container("c", inputs=("v",))),
        )
    )
    world.step()
    assert world.names()["wf.A"] == "TaskGroup Running"
    assert world.node("wf.A(0:x)")["boundaryID"] == "wf"
    for number, item in enumerate("xy"):
        world.ends(f"wf.A({number}:{item})", o=f"{item}!")
    world.step()
    assert world.names()["wf.A"] == "TaskGroup Succeeded"
    assert world.pod("wf.B")["spec"]["containers"][0]["args"] == ["c", '--v=["x!","y!"]']
    assert world.node("wf.A(1:y)")["children"] == [world.node("wf.B")["id"]]


@pytest.mark.parametrize(("codes", "ran"), [((0, 1), True), ((1, 1), False)])
def test_what_comes_after_a_loop_may_ask_for_any_of_its_turns(make_world, make_dag, codes, ran):
    world = make_world(
        make_dag({"name": "A", "withItems": [0, 1]}, {"name": "B", "depends": "A.AnySucceeded"})
    )
    world.all_end(**{f"A({n}:{n})": code for n, code in enumerate(codes)})
    assert (world.names()["wf.B"] == "Pod Succeeded") == ran


def test_an_empty_loop_is_skipped(make_world, make_dag):
    world = make_world(make_dag({"name": "A", "withParam": "[]"}, {"name": "B", "depends": "A"}))
    world.all_end()
    assert (world.names()["wf.A"], world.node("wf.A")["message"]) == (
        "Skipped Skipped",
        "Skipped, empty params",
    )
    assert world.names()["wf.B"] == "Pod Succeeded"


def test_outputs_of_a_dag_come_from_its_tasks(make_world, make_dag, make_container):
    producer = make_container("p", {"name": "o", "valueFrom": {"path": "/mnt/mlplane/out/o"}})
    body = make_dag({"name": "A", "template": "p"}, templates=(producer,))
    body["spec"]["templates"][0]["outputs"] = {
        "parameters": [
            {"name": "copy", "valueFrom": {"parameter": "{{tasks.A.outputs.parameters.o}}"}},
            {"name": "long", "valueFrom": {"expression": "tasks.A.outputs.parameters.o + '!'"}},
            {"name": "none", "valueFrom": {"expression": "tasks.B.outputs.parameters.o", "default": "d"}},
        ]
    }
    world = make_world(body)
    world.step()
    world.ends("wf.A", o="v")
    world.step()
    found = {each["name"]: each["value"] for each in world.node("wf")["outputs"]["parameters"]}
    assert found == {"copy": "v", "long": "v!", "none": "d"}
