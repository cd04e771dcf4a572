"""What a ModelServer becomes, and what is read back from it."""

import pytest

import builders as b
from mlplane.adapters.kserve import Served, Serving, service_for, serving_of, workload_of
from mlplane.api import ModelServer

OLD = Served("sha256:" + "1" * 64, "s3://models/old")
NEW = Served("sha256:" + "2" * 64, "s3://models/new")
SERVER = ModelServer.model_validate(b.server())


@pytest.mark.parametrize("serving", [Serving(OLD), Serving(OLD, NEW), Serving(OLD, NEW, 100)])
def test_what_is_rendered_can_be_read_back(serving):
    assert serving_of(service_for(SERVER, serving)) == serving


def test_a_promoted_canary_keeps_its_name_and_its_pods():
    """What its pods are made of must not differ between the two places."""
    [canary] = service_for(SERVER, Serving(OLD, NEW))["spec"]["canary"]
    promoted = service_for(SERVER, Serving(NEW))["spec"]["predictor"]
    assert canary["trafficPercent"] == 0
    assert canary["predictor"]["model"].pop("name") == "kserve-container"
    assert promoted.pop("maxReplicas") == 1
    assert canary["predictor"] == promoted


@pytest.mark.parametrize(
    "predictor",
    [None, 7, {}, {"name": "v-11111111"}, {"name": "v-11111111", "model": {"env": [None, {"name": 7}]}}],
)
def test_a_predictor_of_somebody_else_is_none_that_is_known(predictor):
    assert serving_of({"spec": {"predictor": predictor}}) is None


def test_a_predictor_under_another_name_is_none_that_is_known():
    made = service_for(SERVER, Serving(OLD))
    made["spec"]["predictor"]["name"] = "mine"
    assert serving_of(made) is None


def test_a_workload_is_named_as_kserve_names_it():
    made = service_for(SERVER, Serving(OLD))
    assert workload_of(made, OLD.predictor) == "digits-v-11111111-predictor"
    assert workload_of(made, "") == "digits-predictor"


def test_what_is_done_to_one_rendered_object_does_not_reach_the_next():
    service_for(SERVER, Serving(OLD))["metadata"]["annotations"]["serving.kserve.io/stop"] = "true"
    assert "serving.kserve.io/stop" not in service_for(SERVER, Serving(OLD))["metadata"]["annotations"]
