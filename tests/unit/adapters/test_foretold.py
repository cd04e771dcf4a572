"""What is foretold is what the readers of Workflows and InferenceServices take for an end that is good."""

import builders as b
from mlplane.adapters import foretold, kserve, kservestatus
from mlplane.adapters.workflowoutcome import outcome_of, task_of
from mlplane.api import ModelServer, ModelVersion

NEWER = "sha256:" + "b" * 64


def served(digest):
    return kserve.served_as(ModelVersion.model_validate(b.model_version(digest=digest)), b.SETTINGS)


def service(*canary):
    serving = kserve.Serving(served(b.MODEL_DIGEST), *canary)
    return kserve.service_for(ModelServer.model_validate(b.server()), serving)


def test_a_workflow_that_succeeded_has_its_outputs_and_its_task():
    workflow = b.run_workflow(b.run())
    assert foretold.is_running(workflow)
    ended = foretold.succeeded(workflow, {("preflight", "key"): "k", ("publish", "result"): "{}"})
    assert not foretold.is_running(ended)
    outcome = outcome_of(ended)
    assert (outcome.state, outcome.outputs) == ("Succeeded", {"preflight.key": "k", "publish.result": "{}"})
    assert task_of(ended) == task_of(workflow)


def test_a_workflow_that_was_told_to_stop_has_failed():
    workflow = b.run_workflow(b.run(), "Running")
    workflow["spec"]["shutdown"] = "Terminate"
    assert foretold.is_stopped(workflow)
    assert outcome_of(foretold.stopped(workflow)).state == "Failed"


def test_a_service_that_is_ready_answers():
    ready = foretold.ready(service())
    assert kservestatus.endpoint_of(ready).state == "Ready"
    assert kservestatus.has_served(ready)
    assert foretold.served_digest(ready) == b.MODEL_DIGEST


def test_a_canary_that_is_ready_has_its_share_and_is_not_what_is_served():
    ready = foretold.ready(service(served(NEWER), 100))
    assert kservestatus.canary_status(ready, "v-bbbbbbbb") == kservestatus.CanaryStatus(True, 100)
    assert foretold.served_digest(ready) == b.MODEL_DIGEST


def test_what_is_not_there_serves_nothing():
    assert foretold.served_digest(None) == ""
    assert foretold.served_digest({"spec": {}}) == ""
