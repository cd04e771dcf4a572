from collections.abc import Callable
from typing import Any

from mlplane.local.inference.planning import Observed, plan
from mlplane.local.inference.pods import pods_for
from mlplane.local.inference.status import status_of

Body = dict[str, Any]
URL = "http://digits-default.localhost:8000"


def status(observed: Observed, *, host_owner: str = "", now: str = "T1") -> Body:
    return status_of(observed, plan(observed), url=URL, host_owner=host_owner, now=now)


def conditions(got: Body) -> dict[str, str]:
    return {c["type"]: f"{c['status']} {c.get('reason', '')}".strip() for c in got["conditions"]}


def test_a_ready_service_has_the_status_that_kserve_writes(
    service: Body, runtime: Body, living: Callable[..., Body]
) -> None:
    pods = (living(pods_for(service, runtime)[0]),)
    assert status(Observed(service, runtime, pods)) == {
        "observedGeneration": 3,
        "conditions": [
            {"type": "IngressReady", "status": "True", "lastTransitionTime": "T1"},
            {"type": "PredictorReady", "status": "True", "lastTransitionTime": "T1"},
            {"type": "Ready", "status": "True", "lastTransitionTime": "T1"},
            {"type": "Stopped", "status": "False", "severity": "Info", "lastTransitionTime": "T1"},
        ],
        "url": URL,
        "address": {"url": URL},
        "components": {"predictor": {"url": URL}},
        "modelStatus": {
            "transitionStatus": "UpToDate",
            "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
            "copies": {"failedCopies": 0, "totalCopies": 1},
        },
        "deploymentMode": "Standard",
        "clusterServingRuntimeName": "mlplane-torch",
    }


def test_a_new_service_is_pending(service: Body, runtime: Body) -> None:
    got = status(Observed(service, runtime, ()))
    assert conditions(got)["Ready"] == "False MinimumReplicasUnavailable"
    assert got["modelStatus"]["transitionStatus"] == "InProgress"
    assert got["modelStatus"]["states"] == {"activeModelState": "", "targetModelState": "Pending"}
    assert "url" not in got


def test_a_model_that_is_fetched_is_loading(
    service: Body, runtime: Body, living: Callable[..., Body]
) -> None:
    fetching = [{"name": "storage-initializer", "state": {"running": {}}}]
    pod = living(pods_for(service, runtime)[0], is_ready=False, initContainerStatuses=fetching)
    assert (
        status(Observed(service, runtime, (pod,)))["modelStatus"]["states"]["targetModelState"] == "Loading"
    )


def test_a_server_that_refuses_its_model_says_why(
    service: Body, runtime: Body, living: Callable[..., Body]
) -> None:
    ended = {"exitCode": 1, "reason": "Error", "message": "mlplane serving: the digest differs"}
    for state in (
        {"state": {"terminated": ended}},
        {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}},
    ):
        crashed = [{"name": "kserve-container", **state}]
        pod = living(pods_for(service, runtime)[0], is_ready=False, containerStatuses=crashed)
        got = status(Observed(service, runtime, (pod,)))["modelStatus"]
        assert got["transitionStatus"] == "BlockedByFailedLoad"
        assert got["states"]["targetModelState"] == "FailedToLoad"
        assert got["lastFailureInfo"] == {
            "reason": "ModelLoadFailed",
            "message": "mlplane serving: the digest differs",
            "exitCode": 1,
        }


def test_what_the_node_waits_for_is_in_the_message(
    service: Body, runtime: Body, living: Callable[..., Body]
) -> None:
    waiting = [
        {"name": "kserve-container", "state": {"waiting": {"reason": "ErrImagePull", "message": "no x"}}}
    ]
    pod = living(pods_for(service, runtime)[0], is_ready=False, containerStatuses=waiting)
    ready = status(Observed(service, runtime, (pod,)))["conditions"][2]
    assert ready["message"] == "kserve-container: ErrImagePull: no x"


def test_a_rollout_is_neither_ready_nor_failed_and_keeps_its_address(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Callable[..., Body]
) -> None:
    old = living(pods_for(service, runtime)[0])
    got = status(Observed(changed(), runtime, (old,)))
    assert conditions(got)["Ready"] == "Unknown ReplicaSetUpdated"
    assert got["observedGeneration"] == 4
    assert got["modelStatus"]["states"] == {"activeModelState": "Loaded", "targetModelState": "Pending"}
    assert got["url"] == URL


def test_a_refused_spec_is_invalid_and_names_the_field(service: Body, runtime: Body) -> None:
    got = status(Observed(service, runtime, (), ("spec.transformer is not supported",)))
    assert conditions(got)["Ready"] == "False InvalidPredictorSpec"
    assert got["conditions"][2]["message"] == "spec.transformer is not supported"
    assert got["modelStatus"]["transitionStatus"] == "InvalidSpec"
    assert got["modelStatus"]["lastFailureInfo"]["message"] == "spec.transformer is not supported"


def test_a_taken_host_is_not_ready(service: Body, runtime: Body, living: Callable[..., Body]) -> None:
    pods = (living(pods_for(service, runtime)[0]),)
    got = status(Observed(service, runtime, pods), host_owner="b/a")
    assert conditions(got)["Ready"] == "False HostTaken"
    assert "b/a" in got["conditions"][2]["message"]
    assert "url" not in got


def test_a_stopped_service_says_so(service: Body, runtime: Body) -> None:
    service["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    got = conditions(status(Observed(service, runtime, ())))
    assert (got["Stopped"], got["Ready"]) == ("True", "False Stopped")


def test_conditions_keep_the_time_of_their_last_change(
    service: Body, runtime: Body, living: Callable[..., Body]
) -> None:
    first = status(Observed(service, runtime, ()))
    service["status"] = first
    assert status(Observed(service, runtime, ()), now="T2") == first
    pods = (living(pods_for(service, runtime)[0]),)
    times = {
        c["type"]: c["lastTransitionTime"]
        for c in status(Observed(service, runtime, pods), now="T2")["conditions"]
    }
    assert times == {"IngressReady": "T2", "PredictorReady": "T2", "Ready": "T2", "Stopped": "T1"}
