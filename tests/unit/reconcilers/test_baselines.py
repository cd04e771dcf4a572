"""What a model is compared with is known before it is judged, or the judging waits."""

import pytest

import builders as b
from mlplane import names
from mlplane.reconcilers import evaluation, trainingrun

BASELINE = {"baseline": {"modelServer": {"name": "digits"}}}
SERVED = {"name": "digits-aaaaaaaa", "digest": b.MODEL_DIGEST}


def a_run():
    run = b.run()
    run["spec"]["evaluation"] |= BASELINE
    return trainingrun, run


def an_evaluation():
    return evaluation, b.evaluation(run=b.TO_JUDGE | BASELINE)


def planned(who, server):
    module, body = who()
    typed = b.TYPES[body["kind"]].model_validate(body)
    world = (b.ready_dataset(), b.model_version(), *server)
    return module.plan(typed, b.observed_by(module, typed, world), b.NOW, b.SETTINGS)


@pytest.mark.parametrize("who", [a_run, an_evaluation])
@pytest.mark.parametrize("server", [[], [b.server()]], ids=["no server", "one that was made just now"])
def test_a_server_that_nobody_has_looked_at_yet_does_not_count_as_one_that_serves_nothing(who, server):
    """Else a server that is made anew would let every model pass for the moment until its status is there."""
    plan = planned(who, server)
    ready = plan.status.conditions[0]
    assert (ready.status, ready.reason) == ("False", names.BASELINE_MISSING)
    assert 'ModelServer "digits", the baseline' in ready.message
    assert plan.create == ()


@pytest.mark.parametrize("who", [a_run, an_evaluation])
@pytest.mark.parametrize("serves", [{}, {"modelVersion": SERVED}], ids=["nothing", "a version"])
def test_the_version_of_a_server_that_was_looked_at_is_compared_with(who, serves):
    plan = planned(who, [b.server(status={"observedGeneration": 1} | serves)])
    assert len(plan.create) == 1
    task = plan.create[0]["spec"]["templates"][1]["container"]["env"]
    told = next(e["value"] for e in task if e["name"] == names.TASK_ENV)
    assert (b.MODEL_DIGEST in told.split('"baseline":{"version"')[-1]) == bool(serves)
