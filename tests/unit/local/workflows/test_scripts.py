"""Scripts, results, loops of steps, and what else a Pod is made of."""

import pytest


def script(name, source="echo {{inputs.parameters.p}}", **more):
    made = {
        "name": name,
        "script": {"image": "ghcr.io/mlplane/runtime:1", "command": ["sh"], "source": source},
    }
    return made | {"inputs": {"parameters": [{"name": "p", "default": "d"}]}} | more


def test_a_script_is_a_file_that_its_interpreter_gets(make_world, make_workflow):
    world = make_world(make_workflow([[{"name": "a", "template": "s"}]], script("s")))
    world.step()
    pod = world.pod("wf[0].a")
    [container] = pod["spec"]["containers"]
    assert container["args"] == ["/mnt/mlplane/.argo/script"]
    assert "source" not in container
    [volume] = pod["spec"]["volumes"]
    [item] = volume["downwardAPI"]["items"]
    assert item == {
        "path": "script",
        "fieldRef": {"fieldPath": "metadata.annotations['workflows.mlplane.dev/script']"},
    }
    assert pod["metadata"]["annotations"]["workflows.mlplane.dev/script"] == "echo d"


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("{{steps.a.outputs.result}}", True),
        ("{{= steps['a'].outputs.result }}", True),
        ("{{steps.a.status}}", False),
        ("{{steps.aa.outputs.result}}", False),
    ],
)
def test_standard_output_is_kept_only_where_somebody_refers_to_it(make_world, make_workflow, reference, kept):
    after = {"name": "b", "template": "s", "when": f"{reference} == x"}
    world = make_world(make_workflow([[{"name": "a", "template": "s"}], [after]], script("s")))
    world.step()
    annotations = world.pod("wf[0].a")["metadata"]["annotations"]
    assert (annotations.get("node.mlplane.dev/keep-stdout") == "main") == kept


def test_a_result_is_the_standard_output_without_its_last_newline(make_world, make_workflow):
    given = {"parameters": [{"name": "p", "value": "{{steps.a.outputs.result}}"}]}
    world = make_world(
        make_workflow(
            [[{"name": "a", "template": "s"}], [{"name": "b", "template": "s", "arguments": given}]],
            script("s"),
        )
    )
    world.step()
    world.ends("wf[0].a", stdout="one\ntwo\n")
    world.step()
    assert world.node("wf[0].a")["outputs"] == {"result": "one\ntwo", "exitCode": "0"}
    assert world.node("wf[1].b")["inputs"] == {
        "parameters": [{"name": "p", "value": "one\ntwo", "default": "d"}]
    }


def test_results_of_a_loop_are_a_list_in_its_order(make_world, make_workflow):
    given = {"parameters": [{"name": "p", "value": "{{steps.a.outputs.result}}"}]}
    world = make_world(
        make_workflow(
            [
                [{"name": "a", "template": "s", "withItems": [*range(11)]}],
                [{"name": "b", "template": "s", "arguments": given}],
            ],
            script("s"),
        )
    )
    world.step()
    for number in reversed(range(11)):
        world.ends(f"wf[0].a({number}:{number})", stdout=f"{number}\n")
    world.step()
    assert world.node("wf[1].b")["inputs"]["parameters"][0]["value"] == "[0,1,2,3,4,5,6,7,8,9,10]"


def test_results_of_a_loop_that_are_no_json_are_an_error_that_says_so(make_world, make_workflow):
    world = make_world(
        make_workflow(
            [
                [{"name": "a", "template": "s", "withItems": ["x"]}],
                [{"name": "b", "template": "s", "when": "{{steps.a.outputs.result}} == x"}],
            ],
            script("s"),
        )
    )
    world.step()
    world.ends("wf[0].a(0:x)", stdout="heads")
    status = world.step()
    assert status["phase"] == "Error"
    assert "the results of a, which is a loop, must be JSON; found 'heads'" in status["message"]


def test_an_output_may_be_known_to_the_whole_workflow(make_world, make_workflow, make_container, make_output):
    producer = make_container("p", make_output("o") | {"globalName": "all"})
    consumer = script("s", "echo {{workflow.outputs.parameters.all}}")
    world = make_world(
        make_workflow(
            [[{"name": "a", "template": "p"}], [{"name": "b", "template": "s"}]], producer, consumer
        )
    )
    world.step()
    world.ends("wf[0].a", o="v")
    status = world.step()
    assert world.pod("wf[1].b")["metadata"]["annotations"]["workflows.mlplane.dev/script"] == "echo v"
    assert status["outputs"] == {"parameters": [{"name": "all", "value": "v"}]}


def test_a_template_that_calls_itself_ends_where_its_condition_does(make_world, make_workflow):
    again = {"name": "again", "template": "main", "when": "{{steps.flip.outputs.result}} == tails"}
    world = make_world(make_workflow([[{"name": "flip", "template": "s"}], [again]], script("s")))
    world.step()
    world.ends("wf[0].flip", stdout="tails")
    world.step()
    assert world.created() == ["wf[1].again[0].flip"]
    world.ends("wf[1].again[0].flip", stdout="heads")
    assert world.step()["phase"] == "Succeeded"


def test_what_calls_itself_without_end_is_stopped(make_world, make_workflow):
    again = {"name": "again", "template": "main", "when": "a == a"}
    world = make_world(make_workflow([[again]], script("s")))
    status = world.step()
    assert status["phase"] == "Failed"
    assert any("Maximum recursion depth exceeded" in n.get("message", "") for n in world.nodes())


def test_all_that_is_known_of_a_workflow_may_be_used(make_world, make_workflow):
    names = (
        "workflow.name",
        "workflow.mainEntrypoint",
        "workflow.serviceAccountName",
        "workflow.parameters.json",
        "workflow.labels.team",
        "workflow.annotations.note",
        "workflow.creationTimestamp",
        "workflow.creationTimestamp.Y",
        "workflow.creationTimestamp.s",
        "workflow.status",
        "node.name",
        "steps.name",
        "inputs.parameters",
        "pod.name",
    )
    body = make_workflow(
        [[{"name": "a", "template": "s"}]],
        script("s", "\n".join(f"{{{{{name}}}}}" for name in names)),
        arguments={"parameters": [{"name": "q", "value": 1}]},
    )
    body["metadata"] |= {
        "creationTimestamp": "2026-02-03T04:05:06Z",
        "labels": {"team": "blue"},
        "annotations": {"note": "<n>"},
    }
    world = make_world(body)
    world.step()
    pod = world.pod("wf[0].a")
    assert pod["metadata"]["annotations"]["workflows.mlplane.dev/script"].splitlines() == [
        "wf",
        "main",
        "",
        '[{"name":"q","value":1}]',
        "blue",
        "<n>",
        "2026-02-03T04:05:06Z",
        "2026",
        "1770091506",
        "Running",
        "wf[0].a",
        "a",
        '[{"default":"d","name":"p","value":"d"}]',
        pod["metadata"]["name"],
    ]


def test_outputs_that_cannot_be_made_are_an_error_of_the_node(make_world, make_workflow):
    body = make_workflow([[{"name": "a", "template": "s"}]], script("s"))
    source = {"expression": "steps.a.outputs.parameters.none + 'x'"}
    body["spec"]["templates"][0]["outputs"] = {"parameters": [{"name": "o", "valueFrom": source}]}
    world = make_world(body)
    world.step()
    world.ends("wf[0].a")
    status = world.step()
    assert (status["phase"], world.node("wf")["phase"]) == ("Error", "Error")
    assert status["message"].startswith("error in entry template execution: cannot fetch parameters")
