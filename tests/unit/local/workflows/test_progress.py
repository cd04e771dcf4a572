"""What a Workflow comes to, given its Pods."""

import pytest

from mlplane.local.workflows.identity import node_id

RETRY = {"limit": "3", "retryPolicy": "OnError"}


def test_the_first_pod_is_asked_for_once_and_the_status_says_running(make_world, make_training):
    world = make_world(make_training())
    status = world.step()
    assert world.created() == ["wf[0].preflight"]
    assert status["phase"] == "Running"
    assert status["progress"] == "0/1"
    assert status["conditions"] == [{"type": "PodRunning", "status": "False"}]
    assert world.names() == {
        "wf": "Steps Running",
        "wf[0]": "StepGroup Running",
        "wf[0].preflight": "Pod Pending",
    }
    world.step()
    assert world.created() == []


def test_asking_again_changes_nothing(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.runs("wf[0].preflight")
    assert world.step() == world.step()
    world.ends("wf[0].preflight", cached="false")
    world.step()
    assert world.step() == world.step()


def test_a_workflow_runs_to_its_end(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.ends("wf[0].preflight", cached="false\n")
    world.step()
    assert world.created() == ["wf[1].train"]
    world.ends("wf[1].train", model="sha256:abc")
    world.step()
    assert world.created() == ["wf[2].evaluate"]
    assert world.pod("wf[2].evaluate")["spec"]["containers"][0]["args"] == ["evaluate", "--model=sha256:abc"]
    world.ends("wf[2].evaluate", report="r")
    status = world.step()
    assert (status["phase"], status["progress"], status.get("message")) == ("Succeeded", "3/3", None)
    assert {"type": "Completed", "status": "True"} in status["conditions"]
    assert world.last.labels == {
        "workflows.argoproj.io/phase": "Succeeded",
        "workflows.argoproj.io/completed": "true",
    }
    assert all(n["phase"] == "Succeeded" and n["finishedAt"] for n in status["nodes"].values())


def test_a_finished_pod_gives_its_outputs_without_the_last_newline(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.ends("wf[0].preflight", cached="false\n")
    world.step()
    node = world.node("wf[0].preflight")
    assert node["outputs"] == {
        "exitCode": "0",
        "parameters": [
            {"name": "cached", "value": "false", "valueFrom": {"path": "/mnt/mlplane/out/cached"}}
        ],
    }
    assert (node["finishedAt"], node["templateName"]) == ("2026-01-01T00:00:59Z", "preflight")


def test_a_step_whose_condition_is_false_is_skipped_and_gives_its_defaults(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.ends("wf[0].preflight", cached="true")
    world.step()
    node = world.node("wf[1].train")
    assert (node["type"], node["phase"], node["message"]) == (
        "Skipped",
        "Skipped",
        "when 'true == false' evaluated false",
    )
    assert world.created() == ["wf[2].evaluate"]
    assert world.pod("wf[2].evaluate")["spec"]["containers"][0]["args"] == ["evaluate", "--model="]


def test_nodes_are_named_and_linked_as_in_argo(make_world, make_training):
    world = make_world(make_training(RETRY))
    world.step()
    world.ends("wf[0].preflight(0)", cached="false")
    world.step()
    by_name = {n["name"]: n for n in world.workflow["status"]["nodes"].values()}
    id_of = {name: node["id"] for name, node in by_name.items()}
    assert id_of["wf"] == "wf"
    assert id_of["wf[0].preflight(0)"] == "wf-3391215934"
    assert by_name["wf"]["children"] == [id_of["wf[0]"]]
    assert by_name["wf[0]"]["children"] == [id_of["wf[0].preflight"]]
    assert by_name["wf[0].preflight"]["children"] == [id_of["wf[0].preflight(0)"]]
    assert by_name["wf[0].preflight(0)"]["children"] == [id_of["wf[1]"]]
    assert by_name["wf[0].preflight(0)"]["nodeFlag"] == {"retried": True}
    displayed = {name: node["displayName"] for name, node in by_name.items()}
    assert displayed["wf[0].preflight(0)"] == "preflight(0)"
    assert (displayed["wf[0]"], displayed["wf"]) == ("[0]", "wf")
    assert {n["boundaryID"] for name, n in by_name.items() if name != "wf"} == {"wf"}
    assert {n["templateScope"] for n in by_name.values()} == {"local/wf"}


def test_ids_are_those_that_argo_gives():
    """From a status that Argo wrote (its own tests)."""
    assert node_id("daemon-step-dvbnn", "daemon-step-dvbnn") == "daemon-step-dvbnn"
    assert node_id("daemon-step-dvbnn", "daemon-step-dvbnn[0]") == "daemon-step-dvbnn-1159996203"
    assert node_id("daemon-step-dvbnn", "daemon-step-dvbnn[0].influx") == "daemon-step-dvbnn-3639466923"
    assert node_id("daemon-step-dvbnn", "daemon-step-dvbnn[0].influx(0)") == "daemon-step-dvbnn-2254877734"


def test_pod_names_are_those_of_argo(make_world, make_training):
    world = make_world(make_training(RETRY))
    world.step()
    assert list(world.pods) == ["wf-preflight-3391215934"]


def test_a_non_zero_exit_fails_the_workflow_with_its_code(make_world, make_training):
    world = make_world(make_training(RETRY))
    world.step()
    world.ends("wf[0].preflight(0)", code=3)
    status = world.step()
    node = world.node("wf[0].preflight(0)")
    assert (node["phase"], node["message"], node["outputs"]["exitCode"]) == (
        "Failed",
        "main: Error (exit code 3)",
        "3",
    )
    assert world.node("wf[0].preflight")["message"] == "main: Error (exit code 3)"
    assert status["phase"] == "Failed"
    assert status["message"] == f"child '{world.node('wf[0].preflight')['id']}' failed"
    assert world.created() == []


@pytest.mark.parametrize(
    ("policy", "lost", "retried"),
    [
        ("OnError", True, True),
        ("OnError", False, False),
        ("OnFailure", True, False),
        ("OnFailure", False, True),
        ("Always", True, True),
        ("Always", False, True),
    ],
)
def test_what_is_retried_is_what_the_policy_says(make_world, make_training, policy, lost, retried):
    world = make_world(make_training({"limit": 1, "retryPolicy": policy}))
    world.step()
    world.is_lost("wf[0].preflight(0)") if lost else world.ends("wf[0].preflight(0)", code=1)
    world.step()
    assert (world.created() == ["wf[0].preflight(1)"]) == retried


@pytest.mark.parametrize("reason", ["NodeLost", "NodeShutdown"])
def test_a_lost_pod_is_an_error_and_the_next_attempt_may_succeed(make_world, make_training, reason):
    world = make_world(make_training(RETRY))
    world.step()
    world.is_lost("wf[0].preflight(0)", reason)
    world.step()
    assert world.node("wf[0].preflight(0)")["phase"] == "Error"
    world.ends("wf[0].preflight(1)", cached="true")
    world.step()
    assert world.names()["wf[0].preflight"] == "Retry Succeeded"
    assert world.created() == ["wf[2].evaluate(0)"]


def test_when_no_retries_are_left_the_last_attempt_counts(make_world, make_training):
    world = make_world(make_training({"limit": "2", "retryPolicy": "OnError"}))
    for attempt in range(3):
        world.step()
        world.is_lost(f"wf[0].preflight({attempt})")
    status = world.step()
    node = world.node("wf[0].preflight")
    assert (node["phase"], node["message"]) == ("Error", "No more retries left")
    assert status["phase"] == "Failed"
    assert len(node["children"]) == 3


def test_a_pod_that_vanished_while_it_ran_is_an_error_and_one_that_waited_is_made_again(
    make_world, make_training
):
    world = make_world(make_training())
    world.step()
    world.pods.clear()
    world.step()
    assert world.created() == ["wf[0].preflight"]
    world.runs("wf[0].preflight")
    world.step()
    world.pods.clear()
    status = world.step()
    assert world.created() == []
    assert (world.node("wf[0].preflight")["phase"], world.node("wf[0].preflight")["message"]) == (
        "Error",
        "pod deleted",
    )
    assert status["phase"] == "Failed"


def test_results_stay_when_pods_are_deleted_after_their_end(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.ends("wf[0].preflight", cached="true")
    world.step()
    world.pods = {name: pod for name, pod in world.pods.items() if "evaluate" in name}
    world.ends("wf[2].evaluate", report="r")
    assert world.step()["phase"] == "Succeeded"
    assert world.node("wf[0].preflight")["outputs"]["parameters"][0]["value"] == "true"


def test_a_missing_output_without_a_default_is_an_error_that_names_it(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.ends("wf[0].preflight")
    world.step()
    node = world.node("wf[0].preflight")
    assert (node["phase"], node["message"]) == (
        "Error",
        "output parameter cached: /mnt/mlplane/out/cached: no such file",
    )


def test_parallel_steps_run_together_and_all_have_to_succeed(make_world, make_workflow, make_container):
    pair = [{"name": "a", "template": "t"}, {"name": "b", "template": "t"}]
    world = make_world(make_workflow([pair, [{"name": "c", "template": "t"}]], make_container("t")))
    world.step()
    assert world.created() == ["wf[0].a", "wf[0].b"]
    world.ends("wf[0].a", code=1)
    world.runs("wf[0].b")
    assert world.step()["phase"] == "Running"
    world.ends("wf[0].b")
    status = world.step()
    assert (status["phase"], world.created()) == ("Failed", [])
    assert status["message"] == f"child '{world.node('wf[0].a')['id']}' failed"


def test_steps_may_call_templates_of_steps(make_world, make_workflow, make_container):
    inner = {
        "name": "inner",
        "steps": [
            [
                {
                    "name": "x",
                    "template": "t",
                    "arguments": {"parameters": [{"name": "p", "value": "{{inputs.parameters.q}}!"}]},
                }
            ]
        ],
    }
    inner["inputs"] = {"parameters": [{"name": "q", "default": "d"}]}
    world = make_world(
        make_workflow(
            [
                [{"name": "a", "template": "inner"}],
                [{"name": "b", "template": "t", "arguments": {"parameters": [{"name": "p", "value": "1"}]}}],
            ],
            inner,
            make_container("t", inputs=("p",)),
        )
    )
    world.step()
    assert world.created() == ["wf[0].a[0].x"]
    assert world.pod("wf[0].a[0].x")["spec"]["containers"][0]["args"] == ["t", "--p=d!"]
    world.ends("wf[0].a[0].x")
    world.step()
    assert world.created() == ["wf[1].b"]
    assert world.node("wf[0].a[0].x")["boundaryID"] == world.node("wf[0].a")["id"]
    assert world.node("wf[0].a[0].x")["children"] == [world.node("wf[1]")["id"]]


def test_an_entry_point_that_is_a_container_is_one_pod_with_the_workflows_name(
    make_world, make_workflow, make_container
):
    body = make_workflow(
        [],
        make_container("only", inputs=("x",)),
        entrypoint="only",
        arguments={"parameters": [{"name": "x", "value": 7}]},
    )
    world = make_world(body)
    world.step()
    assert list(world.pods) == ["wf"]
    assert world.pod("wf")["spec"]["containers"][0]["args"] == ["only", "--x=7"]
    world.ends("wf", code=2)
    status = world.step()
    assert (status["phase"], status["message"]) == ("Failed", "main: Error (exit code 2)")


@pytest.mark.parametrize("strategy", ["Terminate", "Stop"])
def test_a_shutdown_ends_running_pods_starts_no_others_and_says_so(make_world, make_training, strategy):
    world = make_world(make_training(RETRY))
    world.step()
    world.runs("wf[0].preflight(0)")
    world.step()
    world.workflow["spec"]["shutdown"] = strategy
    status = world.step()
    assert world.last.stop == (world.pod("wf[0].preflight(0)")["metadata"]["name"],)
    assert (status["phase"], status["message"]) == ("Failed", f"Stopped with strategy '{strategy}'")
    assert world.node("wf[0].preflight(0)")["message"] == f"workflow shutdown with strategy:  {strategy}"
    assert world.node("wf[0].preflight")["message"] == f"Stopped with strategy '{strategy}'"
    world.step()
    assert len(world.last.stop) == 1, "until the pod has ended it is asked to"
    world.becomes("wf[0].preflight(0)", {"phase": "Failed", "reason": "DeadlineExceeded", "message": "m"})
    world.step()
    assert (world.last.stop, world.created()) == ((), [])


def test_a_workflow_that_is_shut_down_before_it_began_makes_no_pod(make_world, make_training):
    world = make_world(make_training())
    world.workflow["spec"]["shutdown"] = "Terminate"
    status = world.step()
    assert (status["phase"], world.created()) == ("Failed", [])


def test_what_is_not_supported_is_refused_at_once_naming_the_field(make_world, make_training):
    world = make_world(make_training())
    status = world.step(violations=("spec.onExit: not supported",))
    assert (status["phase"], status["message"]) == ("Error", "invalid spec: spec.onExit: not supported")
    assert world.last.labels["workflows.argoproj.io/completed"] == "true"
    assert status["finishedAt"]
    assert world.created() == []


def test_a_workflow_that_runs_is_not_judged_again(make_world, make_training):
    world = make_world(make_training())
    world.step()
    assert world.step(violations=("spec.x: not supported",))["phase"] == "Running"


def test_a_condition_that_is_no_comparison_fails_the_group_and_says_why(
    make_world, make_workflow, make_container
):
    world = make_world(
        make_workflow([[{"name": "a", "template": "t", "when": "maybe"}]], make_container("t"))
    )
    status = world.step()
    assert status["phase"] == "Failed"
    assert "Expected boolean evaluation for 'maybe'" in status["message"]


def test_an_absent_output_is_an_error_unless_the_input_has_a_default(
    make_world, make_workflow, make_container, make_output
):
    given = {"parameters": [{"name": "m", "value": "{{steps.a.outputs.parameters.m}}"}]}
    groups = [
        [{"name": "a", "template": "a", "when": "x == y"}],
        [{"name": "b", "template": "b", "arguments": given}],
    ]
    producer = make_container("a", make_output("m"))
    world = make_world(make_workflow(groups, producer, make_container("b", inputs=("m",))))
    assert "inputs.parameters.m: argument references an absent optional" in world.step()["message"]
    world = make_world(
        make_workflow(groups, producer, make_container("b", inputs=({"name": "m", "default": "none"},)))
    )
    world.step()
    assert world.pod("wf[1].b")["spec"]["containers"][0]["args"] == ["b", "--m=none"]


def test_a_pod_reports_its_progress_and_the_workflow_the_sum(make_world, make_training):
    world = make_world(make_training())
    world.step()
    world.ends("wf[0].preflight", cached="false")
    world.step()
    world.runs("wf[1].train", progress="3/10")
    status = world.step()
    assert world.node("wf[1].train")["progress"] == "3/10"
    assert status["progress"] == "4/11"
    world.runs("wf[1].train", progress="nonsense")
    assert world.step()["progress"] == "4/11"
    world.ends("wf[1].train", model="m")
    assert world.step()["progress"] == "11/12"


def test_a_waiting_pod_says_why_on_its_node_and_no_longer_once_it_runs(make_world, make_training):
    world = make_world(make_training())
    world.step()
    waiting = {"reason": "ErrImagePull", "message": "not here"}
    world.becomes(
        "wf[0].preflight",
        {"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting": waiting}}]},
    )
    world.step()
    assert world.node("wf[0].preflight")["message"] == "ErrImagePull: not here"
    world.runs("wf[0].preflight")
    world.step()
    assert "message" not in world.node("wf[0].preflight")
    assert world.last.status["conditions"][0] == {"type": "PodRunning", "status": "True"}


def test_workflow_tags_are_known_in_pods(make_world, make_workflow, make_container):
    template = make_container("t")
    template["container"]["env"] = [
        {"name": "WHO", "value": "{{workflow.namespace}}/{{ workflow.name }}/{{workflow.uid}}"}
    ]
    world = make_world(make_workflow([[{"name": "a", "template": "t"}]], template))
    world.step()
    env = {e["name"]: e["value"] for e in world.pod("wf[0].a")["spec"]["containers"][0]["env"]}
    assert env == {"WHO": "default/wf/u1", "ARGO_PROGRESS_FILE": "/mnt/mlplane/progress"}


def test_a_pod_has_what_the_workflow_says_about_pods(make_world, make_workflow, make_container):
    about = {
        "serviceAccountName": "runner",
        "automountServiceAccountToken": False,
        "volumes": [{"name": "work", "emptyDir": {}}],
        "podMetadata": {"labels": {"team": "a"}},
    }
    world = make_world(make_workflow([[{"name": "a", "template": "t"}]], make_container("t"), **about))
    world.step()
    pod = world.pod("wf[0].a")
    assert pod["metadata"]["labels"] == {"team": "a", "workflows.argoproj.io/workflow": "wf"}
    assert pod["metadata"]["ownerReferences"][0] | {} == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "name": "wf",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    assert (pod["spec"]["nodeName"], pod["spec"]["restartPolicy"], pod["spec"]["serviceAccountName"]) == (
        "mlplane-local",
        "Never",
        "runner",
    )
    assert pod["spec"]["volumes"] == [{"name": "work", "emptyDir": {}}]
    assert pod["spec"]["containers"][0]["name"] == "main"
