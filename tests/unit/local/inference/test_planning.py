import copy
from collections.abc import Callable
from typing import Any

import pytest

from mlplane.local.inference.planning import Observed, Plan, plan
from mlplane.local.inference.pods import pods_for
from mlplane.local.inference.routes import Backend

Body = dict[str, Any]
Living = Callable[..., Body]


def names(pods: Any) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods]


def backends(planned: Plan) -> list[Backend]:
    return [backend for target in planned.route.targets for backend in target.backends]


def ports(planned: Plan) -> list[int]:
    return [backend.port for backend in backends(planned)]


def test_a_new_service_gets_its_pod_and_no_route(service: Body, runtime: Body) -> None:
    planned = plan(Observed(service, runtime, ()))
    assert len(planned.create) == 1
    assert not planned.delete
    assert not planned.route.targets


def test_the_pod_is_what_kserve_would_make_of_it(service: Body, runtime: Body) -> None:
    (pod,) = pods_for(service, runtime)
    spec = pod["spec"]
    assert pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"] == "digits"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert spec["nodeName"] == "mlplane-local"
    assert spec["restartPolicy"] == "Always"
    assert spec["serviceAccountName"] == "mlplane-server"
    (initializer,) = spec["initContainers"]
    assert initializer["command"] == ["python", "-m", "mlplane.store"]
    assert initializer["args"] == ["download", "file:///store/models/digits/sha256-1", "/mnt/models"]
    (container,) = spec["containers"]
    assert container["args"] == ["--model-name=digits", "--model-dir=/mnt/models"]
    assert container["env"] == [{"name": "MLPLANE_MODEL_DIGEST", "value": "sha256:1"}]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/digits/ready"
    mounts = {container["volumeMounts"][0]["name"], initializer["volumeMounts"][0]["name"]}
    assert mounts == {spec["volumes"][0]["name"]}


def test_the_service_overrides_the_runtime(service: Body, runtime: Body) -> None:
    runtime["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]
    model = service["spec"]["predictor"]["model"]
    model |= {"env": [{"name": "B", "value": "2"}], "args": ["--more"], "resources": {"limits": {"cpu": "1"}}}
    container = pods_for(service, runtime)[0]["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert container["args"][-1] == "--more"
    assert container["resources"] == {"limits": {"cpu": "1"}}


def test_the_same_spec_always_has_the_same_pods_and_another_has_others(
    service: Body, runtime: Body, changed: Callable[..., Body]
) -> None:
    assert names(pods_for(service, runtime)) == names(pods_for(copy.deepcopy(service), runtime))
    assert names(pods_for(service, runtime)) != names(pods_for(changed(), runtime))


def test_a_ready_pod_gets_the_traffic_and_nothing_is_left_to_do(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(pods_for(service, runtime)[0], port=4711)
    planned = plan(Observed(service, runtime, (pod,)))
    assert (planned.create, planned.delete) == ((), ())
    assert backends(planned) == [Backend("127.0.0.1", 4711)]


def test_a_changed_predictor_starts_the_new_pod_while_the_old_one_serves(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(pods_for(service, runtime)[0], port=1)
    planned = plan(Observed(changed(), runtime, (old,)))
    assert names(planned.create) == names(pods_for(changed(), runtime))
    assert ports(planned) == [1]
    assert not planned.delete


def test_the_old_pod_serves_until_all_new_ones_are_ready(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    wanted = changed(minReplicas=2)
    old = living(pods_for(service, runtime)[0], port=1)
    first, second = pods_for(wanted, runtime)
    half = (old, living(first, port=2), living(second, port=3, is_ready=False))
    planned = plan(Observed(wanted, runtime, half))
    assert (ports(planned), planned.delete) == ([1], ())
    whole = (old, living(first, port=2), living(second, port=3))
    planned = plan(Observed(wanted, runtime, whole))
    assert ports(planned) == [2, 3]
    assert names(planned.delete) == names([old])


def test_a_rollback_goes_back_to_the_pod_that_still_serves(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(pods_for(service, runtime)[0], port=1)
    broken = living(pods_for(changed(), runtime)[0], is_ready=False)
    planned = plan(Observed(service, runtime, (old, broken)))
    assert (planned.create, names(planned.delete), ports(planned)) == ((), names([broken]), [1])


def test_an_unfinished_rollout_that_was_replaced_goes_at_once(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(pods_for(service, runtime)[0], port=1)
    unfinished = living(pods_for(changed("2"), runtime)[0], is_ready=False)
    planned = plan(Observed(changed("3"), runtime, (old, unfinished)))
    assert names(planned.delete) == names([unfinished])
    assert ports(planned) == [1]


def test_a_pod_that_has_ended_is_replaced_under_the_same_name(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(pods_for(service, runtime)[0], is_ready=False, phase="Failed")
    planned = plan(Observed(service, runtime, (pod,)))
    assert (names(planned.delete), planned.create) == (names([pod]), ())
    assert names(plan(Observed(service, runtime, ())).create) == names([pod])


def test_a_pod_that_is_going_gets_no_traffic_and_is_not_made_again_before_it_is_gone(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(pods_for(service, runtime)[0])
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    planned = plan(Observed(service, runtime, (pod,)))
    assert (planned.create, planned.delete, planned.route.targets) == ((), (), ())


def test_pods_of_an_earlier_service_of_the_name_go(service: Body, runtime: Body, living: Living) -> None:
    stranger = living(pods_for(service, runtime)[0])
    stranger["metadata"]["ownerReferences"][0]["uid"] = "u0"
    planned = plan(Observed(service, runtime, (stranger,)))
    assert names(planned.delete) == names([stranger])
    assert not planned.route.targets


def test_fewer_replicas_remove_the_surplus(service: Body, runtime: Body, living: Living) -> None:
    service["spec"]["predictor"]["minReplicas"] = 3
    pods = tuple(living(pod, port=4000 + i) for i, pod in enumerate(pods_for(service, runtime)))
    service["spec"]["predictor"]["minReplicas"] = 1
    planned = plan(Observed(service, runtime, pods))
    assert names(planned.delete) == names(pods[1:])
    assert ports(planned) == [4000]


def test_a_stopped_service_has_no_pods_and_no_route(service: Body, runtime: Body, living: Living) -> None:
    pod = living(pods_for(service, runtime)[0])
    service["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    planned = plan(Observed(service, runtime, (pod,)))
    assert (planned.create, names(planned.delete), planned.route.targets) == ((), names([pod]), ())


@pytest.mark.parametrize(
    ("reason", "message", "break_it"),
    [
        ("RuntimeDisabled", "is disabled", lambda _, runtime: runtime["spec"].update(disabled=True)),
        (
            "NoSupportingRuntime",
            "does not support model format 'onnx'; it supports mlplane-torch",
            lambda model, _: model.update(modelFormat={"name": "onnx"}),
        ),
    ],
)
def test_what_cannot_be_served_is_refused_with_kserves_reason(
    service: Body, runtime: Body, reason: str, message: str, break_it: Callable[[Body, Body], object]
) -> None:
    break_it(service["spec"]["predictor"]["model"], runtime)
    planned = plan(Observed(service, runtime, ()))
    assert planned.refusal is not None
    assert planned.refusal.reason == reason
    assert message in planned.refusal.message
    assert not planned.create


def test_a_service_waits_for_its_runtime(service: Body) -> None:
    planned = plan(Observed(service, None, ()))
    assert planned.refusal is not None
    assert planned.refusal.reason == "RuntimeNotRecognized"
    assert "there is no ClusterServingRuntime 'mlplane-torch'" in planned.refusal.message


def test_a_mistake_in_a_new_spec_leaves_the_old_pods_serving(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(pods_for(service, runtime)[0], port=1)
    planned = plan(Observed(service, runtime, (pod,), ("spec.x is not supported",)))
    assert (planned.delete, ports(planned)) == ((), [1])


@pytest.mark.parametrize(
    "spec", [{}, {"predictor": None}, {"predictor": {"minReplicas": "x", "timeout": "y"}}]
)
def test_a_spec_that_is_nothing_like_one_is_refused_and_breaks_nothing(service: Body, spec: Body) -> None:
    service["spec"] = spec
    planned = plan(Observed(service, None, (), ("spec.predictor is missing",)))
    assert planned.refusal is not None
    assert planned.refusal.message == "spec.predictor is missing"
