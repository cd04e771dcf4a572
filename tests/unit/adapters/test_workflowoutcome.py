"""What is read from a Workflow."""

import json

import pytest

import builders as b
from mlplane.adapters.workflowoutcome import judge_task_of, outcome_of, task_of
from mlplane.errors import Terminal
from mlplane.local.workflows.templating import tags_of
from mlplane.tasks import JudgeTask, RunTask


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("OOMKilled (exit code 137)", "step ingest: OOMKilled (exit code 137)"),
        (
            "main: Error (exit code 1): reading 1797 rows\nmlplane ingest: column label: 3 rows above 9\n",
            "step ingest: column label: 3 rows above 9",
        ),
        ("", "step ingest: Failed"),
    ],
    ids=["one line of Argo's", "the end of a step's log", "nothing"],
)
def test_the_message_of_a_failure_is_the_sentence_that_says_why(message, said):
    failed = b.with_failed_pod(b.dataset_workflow(b.dataset()), "ingest", message)
    outcome = outcome_of(failed)
    assert (outcome.state, outcome.message) == ("Failed", said)


def test_the_newest_of_several_failures_counts():
    workflow = b.with_failed_pod(b.dataset_workflow(b.dataset()), "ingest", "second")
    first = {
        "type": "Pod",
        "phase": "Error",
        "templateName": "ingest",
        "message": "first",
        "finishedAt": "2026-01-01",
    }
    workflow["status"]["nodes"]["x"]["finishedAt"] = "2026-01-02"
    workflow["status"]["nodes"]["w"] = first
    assert outcome_of(workflow).message == "step ingest: second"


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
def test_a_failure_is_not_spoken_of_any_more_once_another_pod_has_taken_the_place(phase):
    workflow = b.with_failed_pod(b.dataset_workflow(b.dataset()), "ingest", "main: Error (exit code 2): slow")
    workflow["status"] |= {"phase": "Running", "message": ""}
    said = "step ingest: main: Error (exit code 2): slow"
    assert outcome_of(workflow).message == said, "while it waits to be tried again"
    workflow["status"]["nodes"]["y"] = {"type": "Pod", "phase": phase, "templateName": "ingest"}
    assert outcome_of(workflow).message == ""
    workflow["status"]["phase"] = "Failed"
    assert outcome_of(workflow).message == said


def test_outputs_of_steps_that_have_not_succeeded_do_not_count():
    workflow = b.dataset_workflow(b.dataset(), "Running", dataset="{}")
    [node] = workflow["status"]["nodes"].values()
    assert outcome_of(workflow).outputs == {"ingest.dataset": "{}"}
    node["phase"] = "Running"
    assert outcome_of(workflow).outputs == {}


@pytest.mark.parametrize("phase", ["", "Pending", "Running", "Succeeded", "Failed", "Error", "Surprise"])
def test_each_phase_has_a_state(phase):
    want = {"": "Pending", "Error": "Failed", "Surprise": "Running"}.get(phase, phase)
    assert outcome_of({"metadata": {}, "status": {"phase": phase}}).state == want


def test_the_task_of_a_run_is_read_back_from_its_workflow():
    run = b.run()
    assert task_of(b.run_workflow(run)) == b.run_task(run)
    run["spec"]["params"] = {"pattern": "$(HOME) costs $$5"}
    workflow = b.run_workflow(run)
    assert "$$(HOME) costs $$$$5" in json.dumps(workflow)
    assert task_of(workflow) == b.run_task(run)
    with pytest.raises(Terminal, match="holds no task"):
        task_of({"metadata": {"name": "x"}, "spec": {}})


@pytest.mark.parametrize("text", ["{{workflow.name}}", "{{{=1+1}}}", "\\{{x}}", "{{{{"])
def test_what_looks_like_a_tag_of_argos_is_text_in_a_task(text):
    """A value of a slice may be any text; Argo fills in tags wherever they stand."""
    parts = [{"name": "odd", "column": "country", "values": [text]}]
    workflow = b.evaluation_workflow(b.evaluation(run=b.TO_JUDGE | {"slices": parts}))
    judging = next(t for t in workflow["spec"]["templates"] if t["name"] == "evaluate")
    assert tags_of(judging["container"]["env"]) == frozenset()
    assert judge_task_of(workflow).plan.slices[0].values == (text,)


def test_the_step_evaluate_is_told_its_own_part_of_the_task():
    run = b.run()
    workflow = b.run_workflow(run)
    told = {
        template["name"]: {v["name"]: v["value"] for v in template["container"]["env"]}["MLPLANE_TASK"]
        for template in workflow["spec"]["templates"]
        if "container" in template
    }
    assert JudgeTask.model_validate_json(told["evaluate"]) == b.run_task(run).judging
    others = [RunTask.model_validate_json(task) for name, task in told.items() if name != "evaluate"]
    assert others == [b.run_task(run)] * 3
    workflow["spec"]["templates"].sort(key=lambda template: template["name"])
    assert task_of(workflow) == b.run_task(run), "whichever comes first"
