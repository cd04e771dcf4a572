import copy
from collections.abc import Callable
from typing import Any

import pytest

from mlplane.local.inference.planning import Observed, Plan, plan
from mlplane.local.inference.pods import pods_for
from mlplane.local.inference.routes import Backend
from mlplane.local.inference.variants import canaries_of, stable_of

Body = dict[str, Any]
Living = Callable[..., Body]
HOST = "digits-default.localhost"
SERVED: Body = {"components": {"predictor": {"url": "http://digits-v-1-predictor-default.localhost:80"}}}
"""Status of a service whose predictor v-1 was ready."""


def canary(name: str, percent: int, **predictor: Any) -> Body:
    model = {"modelFormat": {"name": "mlplane-torch"}, "storageUri": f"file:///store/models/digits/{name}"}
    return {"trafficPercent": percent, "predictor": {"name": name, "model": model, **predictor}}


def names(pods: Any) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods]


def stable_pods(service: Body, runtime: Body) -> list[Body]:
    return pods_for(service, runtime, stable_of(service))


def canary_pods(service: Body, runtime: Body) -> list[Body]:
    return [pod for canary in canaries_of(service) for pod in pods_for(service, runtime, canary)]


def shares(planned: Plan, host: str = HOST) -> list[tuple[int, list[int]]]:
    route = planned.routes.get(host)
    return [(t.weight, [b.port for b in t.backends]) for t in route.targets] if route else []


def backends(planned: Plan) -> list[Backend]:
    route = planned.routes.get(HOST)
    return [backend for target in route.targets for backend in target.backends] if route else []


def ports(planned: Plan) -> list[int]:
    return [backend.port for backend in backends(planned)]


def test_a_new_service_gets_its_pod_and_no_route(service: Body, runtime: Body) -> None:
    planned = plan(Observed(service, {"mlplane-torch": runtime}, ()))
    assert len(planned.create) == 1
    assert not planned.delete
    assert not backends(planned)


def test_the_pod_is_what_kserve_would_make_of_it(service: Body, runtime: Body) -> None:
    (pod,) = stable_pods(service, runtime)
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
    assert container["env"] == [
        {"name": "MLPLANE_MODEL_DIGEST", "value": "sha256:1"},
        {"name": "INFERENCE_SERVICE_NAME", "value": "digits"},
    ]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/digits/ready"
    mounts = {container["volumeMounts"][0]["name"], initializer["volumeMounts"][0]["name"]}
    assert mounts == {spec["volumes"][0]["name"]}


def test_the_service_overrides_the_runtime(service: Body, runtime: Body) -> None:
    runtime["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]
    model = service["spec"]["predictor"]["model"]
    model |= {"env": [{"name": "B", "value": "2"}], "args": ["--more"], "resources": {"limits": {"cpu": "1"}}}
    container = stable_pods(service, runtime)[0]["spec"]["containers"][0]
    assert container["env"][:2] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert container["args"][-1] == "--more"
    assert container["resources"] == {"limits": {"cpu": "1"}}


def test_the_same_spec_always_has_the_same_pods_and_another_has_others(
    service: Body, runtime: Body, changed: Callable[..., Body]
) -> None:
    assert names(stable_pods(service, runtime)) == names(stable_pods(copy.deepcopy(service), runtime))
    assert names(stable_pods(service, runtime)) != names(stable_pods(changed(), runtime))


def test_a_ready_pod_gets_the_traffic_and_nothing_is_left_to_do(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(stable_pods(service, runtime)[0], port=4711)
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (pod,)))
    assert (planned.create, planned.delete) == ((), ())
    assert backends(planned) == [Backend("127.0.0.1", 4711)]


def test_a_changed_predictor_starts_the_new_pod_while_the_old_one_serves(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(stable_pods(service, runtime)[0], port=1)
    planned = plan(Observed(changed(), {"mlplane-torch": runtime}, (old,)))
    assert names(planned.create) == names(stable_pods(changed(), runtime))
    assert ports(planned) == [1]
    assert not planned.delete


def test_the_old_pod_serves_until_all_new_ones_are_ready(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    wanted = changed(minReplicas=2)
    old = living(stable_pods(service, runtime)[0], port=1)
    first, second = stable_pods(wanted, runtime)
    half = (old, living(first, port=2), living(second, port=3, is_ready=False))
    planned = plan(Observed(wanted, {"mlplane-torch": runtime}, half))
    assert (ports(planned), planned.delete) == ([1], ())
    whole = (old, living(first, port=2), living(second, port=3))
    planned = plan(Observed(wanted, {"mlplane-torch": runtime}, whole))
    assert ports(planned) == [2, 3]
    assert names(planned.delete) == names([old])


def test_a_rollback_goes_back_to_the_pod_that_still_serves(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(stable_pods(service, runtime)[0], port=1)
    broken = living(stable_pods(changed(), runtime)[0], is_ready=False)
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (old, broken)))
    assert (planned.create, names(planned.delete), ports(planned)) == ((), names([broken]), [1])


def test_an_unfinished_rollout_that_was_replaced_goes_at_once(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(stable_pods(service, runtime)[0], port=1)
    unfinished = living(stable_pods(changed("2"), runtime)[0], is_ready=False)
    planned = plan(Observed(changed("3"), {"mlplane-torch": runtime}, (old, unfinished)))
    assert names(planned.delete) == names([unfinished])
    assert ports(planned) == [1]


def test_a_pod_that_has_ended_is_replaced_under_the_same_name(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(stable_pods(service, runtime)[0], is_ready=False, phase="Failed")
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (pod,)))
    assert (names(planned.delete), planned.create) == (names([pod]), ())
    assert names(plan(Observed(service, {"mlplane-torch": runtime}, ())).create) == names([pod])


def test_a_pod_that_is_going_gets_no_traffic_and_is_not_made_again_before_it_is_gone(
    service: Body, runtime: Body, living: Living
) -> None:
    pod = living(stable_pods(service, runtime)[0])
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (pod,)))
    assert (planned.create, planned.delete, backends(planned)) == ((), (), [])


def test_pods_of_an_earlier_service_of_the_name_go(service: Body, runtime: Body, living: Living) -> None:
    stranger = living(stable_pods(service, runtime)[0])
    stranger["metadata"]["ownerReferences"][0]["uid"] = "u0"
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (stranger,)))
    assert names(planned.delete) == names([stranger])
    assert not backends(planned)


def test_fewer_replicas_remove_the_surplus(service: Body, runtime: Body, living: Living) -> None:
    service["spec"]["predictor"]["minReplicas"] = 3
    pods = tuple(living(pod, port=4000 + i) for i, pod in enumerate(stable_pods(service, runtime)))
    service["spec"]["predictor"]["minReplicas"] = 1
    planned = plan(Observed(service, {"mlplane-torch": runtime}, pods))
    assert names(planned.delete) == names(pods[1:])
    assert ports(planned) == [4000]


def test_a_stopped_service_has_no_pods_and_no_route(service: Body, runtime: Body, living: Living) -> None:
    pod = living(stable_pods(service, runtime)[0])
    service["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (pod,)))
    assert (planned.create, names(planned.delete), planned.routes) == ((), names([pod]), {})


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
    planned = plan(Observed(service, {"mlplane-torch": runtime}, ()))
    assert planned.refusal is not None
    assert planned.refusal.reason == reason
    assert message in planned.refusal.message
    assert not planned.create


def test_a_service_waits_for_its_runtime(service: Body) -> None:
    planned = plan(Observed(service, {}, ()))
    assert planned.refusal is not None
    assert planned.refusal.reason == "RuntimeNotRecognized"
    assert "there is no ClusterServingRuntime 'mlplane-torch'" in planned.refusal.message


def test_a_mistake_in_a_new_spec_leaves_the_old_pods_serving(
    service: Body, runtime: Body, living: Living
) -> None:
    service["spec"]["canary"] = [canary("v-2", 20)]
    pods = (
        living(stable_pods(service, runtime)[0], port=1),
        living(canary_pods(service, runtime)[0], port=2),
    )
    service["status"] = SERVED | {"canaryStatuses": [{"name": "v-2", "ready": True, "trafficPercent": 20}]}
    planned = plan(Observed(service, {"mlplane-torch": runtime}, pods, ("spec.x is not supported",)))
    assert (planned.delete, shares(planned)) == ((), [(80, [1]), (20, [2])])


@pytest.mark.parametrize(
    "spec", [{}, {"predictor": None}, {"predictor": {"minReplicas": "x", "timeout": "y"}}]
)
def test_a_spec_that_is_nothing_like_one_is_refused_and_breaks_nothing(service: Body, spec: Body) -> None:
    service["spec"] = spec
    planned = plan(Observed(service, {}, (), ("spec.predictor is missing",)))
    assert planned.refusal is not None
    assert planned.refusal.message == "spec.predictor is missing"


def test_a_runtime_must_speak_the_protocol_that_is_asked_for(service: Body, runtime: Body) -> None:
    runtime["spec"]["protocolVersions"] = ["v1"]
    planned = plan(Observed(service, {"mlplane-torch": runtime}, ()))
    assert planned.refusal is not None
    assert planned.refusal.reason == "NoSupportingRuntime"
    assert "does not support protocol version 'v2'; it supports v1" in planned.refusal.message


def test_pods_are_named_after_the_predictor_as_kserves_deployments_are(service: Body, runtime: Body) -> None:
    service["spec"]["canary"] = [canary("v-2", 10)]
    (stable,), (other,) = stable_pods(service, runtime), canary_pods(service, runtime)
    assert stable["metadata"]["name"].startswith("digits-v-1-predictor-")
    assert stable["metadata"]["labels"]["app"] == "isvc.digits-v-1-predictor"
    assert other["metadata"]["labels"]["app"] == "isvc.digits-v-2-predictor"
    del service["spec"]["predictor"]["name"]
    assert stable_pods(service, runtime)[0]["metadata"]["labels"]["app"] == "isvc.digits-predictor"


def test_a_runtime_without_a_readiness_probe_gets_kserves(service: Body, runtime: Body) -> None:
    del runtime["spec"]["containers"][0]["readinessProbe"]
    container = stable_pods(service, runtime)[0]["spec"]["containers"][0]
    assert container["readinessProbe"]["tcpSocket"] == {"port": 8080}


def test_probes_of_the_service_take_the_place_of_the_runtimes(service: Body, runtime: Body) -> None:
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 2}
    service["spec"]["predictor"]["model"] |= {"readinessProbe": probe, "startupProbe": probe}
    container = stable_pods(service, runtime)[0]["spec"]["containers"][0]
    assert container["readinessProbe"] == container["startupProbe"] == probe


def test_a_canary_gets_its_share_once_it_is_ready_and_not_before(
    service: Body, runtime: Body, living: Living
) -> None:
    service["spec"]["canary"] = [canary("v-2", 20)]
    old = living(stable_pods(service, runtime)[0], port=1)
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (old,)))
    assert names(planned.create) == names(canary_pods(service, runtime))
    assert shares(planned) == [(100, [1])]
    new = living(canary_pods(service, runtime)[0], port=2)
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (old, new)))
    assert (planned.create, planned.delete) == ((), ())
    assert shares(planned) == shares(planned, "digits-predictor-default.localhost") == [(80, [1]), (20, [2])]


def test_each_predictor_answers_at_its_own_address(service: Body, runtime: Body, living: Living) -> None:
    service["spec"]["canary"] = [canary("v-2", 0)]
    pods = (
        living(stable_pods(service, runtime)[0], port=1),
        living(canary_pods(service, runtime)[0], port=2),
    )
    planned = plan(Observed(service, {"mlplane-torch": runtime}, pods))
    assert shares(planned) == [(100, [1]), (0, [2])]
    assert shares(planned, "digits-v-1-predictor.default.svc.localhost") == [(100, [1])]
    assert shares(planned, "digits-v-2-predictor.default.svc.localhost") == [(100, [2])]


def test_a_canary_is_laid_over_the_stable_predictor(service: Body, runtime: Body) -> None:
    service["spec"]["canary"] = [canary("v-2", 0)]
    (pod,) = canary_pods(service, runtime)
    assert pod["spec"]["serviceAccountName"] == "mlplane-server"
    assert pod["spec"]["initContainers"][0]["args"][1] == "file:///store/models/digits/v-2"
    env = pod["spec"]["containers"][0]["env"]
    assert {"name": "MLPLANE_MODEL_DIGEST", "value": "sha256:1"} in env


@pytest.mark.parametrize(
    ("percent", "given", "canaries", "stable"),
    [(25, {}, 1, 3), (50, {}, 2, 2), (0, {}, 1, 4), (100, {}, 4, 1), (10, {"minReplicas": 3}, 3, 1)],
)
def test_a_ready_canary_takes_over_replicas_of_the_stable_predictor(
    service: Body, runtime: Body, living: Living, percent: int, given: Body, canaries: int, stable: int
) -> None:
    service["spec"]["predictor"]["minReplicas"] = 4
    service["spec"]["canary"] = [canary("v-2", percent, **given)]
    wanted = canary_pods(service, runtime)
    assert len(wanted) == canaries
    before = plan(Observed(service, {"mlplane-torch": runtime}, ()))
    assert before.stable is not None
    assert len(before.stable.desired) == 4
    after = plan(Observed(service, {"mlplane-torch": runtime}, tuple(map(living, wanted))))
    assert after.stable is not None
    assert len(after.stable.desired) == stable


def test_promoting_a_canary_starts_nothing_and_moves_the_traffic(
    service: Body, runtime: Body, living: Living
) -> None:
    service["spec"]["canary"] = [canary("v-2", 20)]
    old = living(stable_pods(service, runtime)[0], port=1)
    new = living(canary_pods(service, runtime)[0], port=2)
    predictor = service["spec"]["predictor"]
    predictor["name"] = "v-2"
    predictor["model"]["storageUri"] = "file:///store/models/digits/v-2"
    del service["spec"]["canary"]
    service["status"] = SERVED
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (old, new)))
    assert (planned.create, planned.delete, names(planned.drop)) == ((), (), names([old]))
    assert shares(planned) == [(100, [2])]


def test_an_abandoned_canary_goes_at_once_and_gets_nothing_even_if_the_stable_one_is_away(
    service: Body, runtime: Body, living: Living
) -> None:
    service["spec"]["canary"] = [canary("v-2", 20)]
    stable = living(stable_pods(service, runtime)[0], port=1, is_ready=False)
    abandoned = living(canary_pods(service, runtime)[0], port=2)
    del service["spec"]["canary"]
    service["status"] = SERVED
    planned = plan(Observed(service, {"mlplane-torch": runtime}, (stable, abandoned)))
    assert names(planned.drop) == names([abandoned])
    assert backends(planned) == []


def test_a_renamed_predictor_goes_at_once_and_nobody_answers_until_the_new_one_can(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(stable_pods(service, runtime)[0], port=1)
    renamed = changed(name="v-2") | {"status": SERVED}
    planned = plan(Observed(renamed, {"mlplane-torch": runtime}, (old,)))
    assert (names(planned.create), names(planned.drop)) == (
        names(stable_pods(renamed, runtime)),
        names([old]),
    )
    assert backends(planned) == []
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    new = living(stable_pods(renamed, runtime)[0], port=2)
    planned = plan(Observed(renamed, {"mlplane-torch": runtime}, (old, new)))
    assert (planned.drop, planned.delete, ports(planned)) == ((), (), [2])


def test_a_stable_predictor_that_is_away_leaves_its_share_to_nobody(
    service: Body, runtime: Body, living: Living
) -> None:
    service["spec"]["canary"] = [canary("v-2", 1)]
    pods = (
        living(stable_pods(service, runtime)[0], is_ready=False),
        living(canary_pods(service, runtime)[0], port=2),
    )
    assert shares(plan(Observed(service, {"mlplane-torch": runtime}, pods))) == [(99, []), (1, [2])]
