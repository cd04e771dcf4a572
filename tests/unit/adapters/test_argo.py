"""What a TrainingRun becomes."""

import builders as b
from mlplane.adapters import argo


def test_names_of_attempts_differ():
    run = b.TYPES["TrainingRun"].model_validate(b.run())
    assert argo.run_workflow_name(run, 1) == "digits-1-1"
    assert argo.run_workflow_name(run, 2) == "digits-1-2"


def test_an_attempt_is_ended_when_its_time_is_over_and_no_other_workflow_is():
    late = b.run()
    late["spec"]["activeDeadlineSeconds"] = 3600
    assert b.run_workflow(late)["spec"]["activeDeadlineSeconds"] == 3600
    assert "activeDeadlineSeconds" not in b.run_workflow(b.run())["spec"]
    assert "ttlStrategy" not in b.run_workflow(late)["spec"], "it is set when the run is recorded"
