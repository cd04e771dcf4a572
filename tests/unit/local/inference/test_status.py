"""The status in KServe's words: what is ready, what failed and why, where it is reached."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlplane.local.inference.planning import Observed, plan
from mlplane.local.inference.pods import pods_for
from mlplane.local.inference.status import status_of
from mlplane.local.inference.variants import canaries_of, stable_of

Body = dict[str, Any]
Living = Callable[..., Body]
URL = "http://digits-default.localhost:8000"
OWN = "http://digits-v-1-predictor.default.svc.localhost:8000"
PREDICTOR = "http://digits-v-1-predictor-default.localhost:8000"
T1 = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
STAMP = "2026-01-01T00:01:00Z"
ENDED = {
    "exitCode": 1,
    "reason": "Error",
    "message": "mlplane serving: the digest differs",
    "finishedAt": STAMP,
}


def status(
    service: Body, runtime: Body | None, pods: tuple[Body, ...] = (), *, now: datetime = T1, **more: Any
) -> Body:
    runtimes = {"mlplane-torch": runtime} if runtime else {}
    observed = Observed(service, runtimes, pods, more.pop("problems", ()))
    return status_of(observed, plan(observed), port=8000, host_owner=more.pop("host_owner", ""), now=now)


def stable_pods(service: Body, runtime: Body) -> list[Body]:
    return pods_for(service, runtime, stable_of(service))


def container(name: str, state: Body, last: Body | None = None) -> list[Body]:
    return [{"name": name, "state": state, "lastState": last or {}}]


def conditions(got: Body) -> dict[str, str]:
    return {c["type"]: f"{c['status']} {c.get('reason', '')}".strip() for c in got["conditions"]}


def message(got: Body, kind: str = "Ready") -> str:
    return next(c.get("message", "") for c in got["conditions"] if c["type"] == kind)


def test_a_ready_service_has_the_status_that_kserve_writes(
    service: Body, runtime: Body, living: Living
) -> None:
    pods = (living(stable_pods(service, runtime)[0]),)
    why = {"reason": "NewReplicaSetAvailable", "message": "1 of 1 pods are ready"}
    assert status(service, runtime, pods) == {
        "observedGeneration": 3,
        "conditions": [
            {"type": "IngressReady", "status": "True", "lastTransitionTime": STAMP},
            {"type": "PredictorReady", "status": "True", "lastTransitionTime": STAMP, **why},
            {"type": "Ready", "status": "True", "lastTransitionTime": STAMP},
            {"type": "Stopped", "status": "False", "severity": "Info", "lastTransitionTime": STAMP},
        ],
        "url": URL,
        "address": {"url": OWN},
        "components": {"predictor": {"url": PREDICTOR}},
        "modelStatus": {
            "transitionStatus": "UpToDate",
            "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
            "copies": {"failedCopies": 0, "totalCopies": 1},
        },
        "deploymentMode": "Standard",
        "clusterServingRuntimeName": "mlplane-torch",
    }


def test_a_new_service_is_pending_and_has_no_address(service: Body, runtime: Body) -> None:
    got = status(service, runtime)
    assert conditions(got) == {
        "IngressReady": "False Predictor Deployment NotReady",
        "PredictorReady": "False MinimumReplicasUnavailable",
        "Ready": "False MinimumReplicasUnavailable",
        "Stopped": "False",
    }
    assert got["modelStatus"]["transitionStatus"] == "InProgress"
    assert got["modelStatus"]["states"] == {"activeModelState": "", "targetModelState": "Pending"}
    assert not {"url", "address", "canaryStatuses"} & got.keys()
    assert got["components"] == {"predictor": {}}


def test_a_model_that_is_fetched_is_loading(service: Body, runtime: Body, living: Living) -> None:
    fetching = container("storage-initializer", {"running": {}})
    pod = living(stable_pods(service, runtime)[0], is_ready=False, initContainerStatuses=fetching)
    assert status(service, runtime, (pod,))["modelStatus"]["states"]["targetModelState"] == "Loading"


@pytest.mark.parametrize("name", ["kserve-container", "storage-initializer"])
@pytest.mark.parametrize(
    "states",
    [
        ({"terminated": ENDED},),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": ENDED}),
    ],
    ids=["ended", "backing off"],
)
def test_a_container_that_fails_says_where_when_and_why(
    service: Body, runtime: Body, living: Living, name: str, states: tuple[Body, ...]
) -> None:
    kind = "initContainerStatuses" if name == "storage-initializer" else "containerStatuses"
    pod = living(stable_pods(service, runtime)[0], is_ready=False, **{kind: container(name, *states)})
    got = status(service, runtime, (pod,))["modelStatus"]
    assert got["transitionStatus"] == "BlockedByFailedLoad"
    assert got["states"]["targetModelState"] == "FailedToLoad"
    assert got["lastFailureInfo"] == {
        "reason": "ModelLoadFailed",
        "message": "mlplane serving: the digest differs",
        "exitCode": 1,
        "location": pod["metadata"]["name"],
        "time": STAMP,
    }


def test_a_download_that_is_tried_again_after_a_failure_is_not_yet_loading(
    service: Body, runtime: Body, living: Living
) -> None:
    again = container("storage-initializer", {"running": {}}, {"terminated": ENDED})
    failed = {"states": {"activeModelState": "", "targetModelState": "FailedToLoad"}}
    pod = living(stable_pods(service, runtime)[0], is_ready=False, initContainerStatuses=again)
    service["status"] = {"modelStatus": failed}
    assert status(service, runtime, (pod,))["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad"


def test_a_server_that_was_killed_for_memory_counts_as_failed_when_it_backs_off(
    service: Body, runtime: Body, living: Living
) -> None:
    killed = {"exitCode": 137, "reason": "OOMKilled"}
    (wanted,) = stable_pods(service, runtime)
    once = living(
        wanted, is_ready=False, containerStatuses=container("kserve-container", {"terminated": killed})
    )
    assert status(service, runtime, (once,))["modelStatus"]["states"]["targetModelState"] == "Pending"
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    again = container("kserve-container", waiting, {"terminated": killed})
    pod = living(wanted, is_ready=False, containerStatuses=again)
    assert status(service, runtime, (pod,))["modelStatus"]["lastFailureInfo"]["exitCode"] == 137


def test_a_failure_is_remembered_after_the_model_is_loaded(
    service: Body, runtime: Body, living: Living
) -> None:
    service["status"] = {"modelStatus": {"lastFailureInfo": {"reason": "ModelLoadFailed"}}}
    got = status(service, runtime, (living(stable_pods(service, runtime)[0]),))["modelStatus"]
    assert (got["transitionStatus"], got["lastFailureInfo"]) == ("UpToDate", {"reason": "ModelLoadFailed"})


def test_what_the_node_waits_for_is_in_the_message(service: Body, runtime: Body, living: Living) -> None:
    waiting = container("kserve-container", {"waiting": {"reason": "ErrImagePull", "message": "no x"}})
    pod = living(stable_pods(service, runtime)[0], is_ready=False, containerStatuses=waiting)
    assert message(status(service, runtime, (pod,))) == "kserve-container: ErrImagePull: no x"


def test_a_service_that_loses_its_pods_is_unready_but_keeps_its_address(
    service: Body, runtime: Body, living: Living
) -> None:
    (wanted,) = stable_pods(service, runtime)
    service["status"] = status(service, runtime, (living(wanted),))
    got = status(service, runtime, (living(wanted, is_ready=False),))
    assert conditions(got)["Ready"] == "False MinimumReplicasUnavailable"
    assert conditions(got)["IngressReady"] == "True"
    assert got["url"] == URL
    assert got["modelStatus"]["states"]["activeModelState"] == "Loaded"


def test_a_quarter_of_the_pods_may_be_missing(service: Body, runtime: Body, living: Living) -> None:
    service["spec"]["predictor"]["minReplicas"] = 4
    pods = [living(pod) for pod in stable_pods(service, runtime)]
    assert conditions(status(service, runtime, tuple(pods[:3])))["Ready"] == "True"
    two = status(service, runtime, tuple(pods[:2]))
    assert conditions(two)["Ready"] == "False MinimumReplicasUnavailable"
    assert message(two) == "2 of 4 pods of the predictor are ready"


def test_a_rollout_under_the_same_name_is_ready_until_it_takes_too_long(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(stable_pods(service, runtime)[0])
    new = living(stable_pods(changed(), runtime)[0], is_ready=False)
    new["metadata"]["creationTimestamp"] = STAMP
    got = status(changed(), runtime, (old, new))
    assert conditions(got)["PredictorReady"] == "True MinimumReplicasAvailable"
    assert got["observedGeneration"] == 4
    late = status(changed(), runtime, (old, new), now=T1 + timedelta(seconds=601))
    assert conditions(late)["Ready"] == "False ProgressDeadlineExceeded"


def test_a_rollout_under_another_name_is_not_ready_and_points_to_the_new_predictor(
    service: Body, runtime: Body, changed: Callable[..., Body], living: Living
) -> None:
    old = living(stable_pods(service, runtime)[0])
    first = status(service, runtime, (old,))
    got = status(changed(name="v-2") | {"status": first}, runtime, (old,))
    assert conditions(got)["Ready"] == "False MinimumReplicasUnavailable"
    assert got["address"]["url"] == OWN.replace("v-1", "v-2")
    assert got["components"] == first["components"], "the predictor that was ready last"
    assert got["modelStatus"]["states"] == {"activeModelState": "Loaded", "targetModelState": "Pending"}


def test_canaries_are_told_of_one_by_one_and_do_not_decide_whether_the_service_is_ready(
    service: Body, runtime: Body, living: Living
) -> None:
    model = {"modelFormat": {"name": "mlplane-torch"}}
    service["spec"]["canary"] = [
        {"predictor": {"name": name, "model": model | {"storageUri": f"file:///{name}"}}, "trafficPercent": 5}
        for name in ("v-2", "v-3")
    ]
    second, _ = [pod for canary in canaries_of(service) for pod in pods_for(service, runtime, canary)]
    got = status(service, runtime, (living(stable_pods(service, runtime)[0]), living(second)))
    assert got["canaryStatuses"] == [
        {"name": "v-2", "ready": True, "trafficPercent": 5, "modelStatus": {"transitionStatus": ""}},
        {"name": "v-3", "ready": False, "trafficPercent": 5, "modelStatus": {"transitionStatus": ""}},
    ]
    assert conditions(got)["CanaryPredictorReady"] == "False CanariesNotReady"
    assert got["conditions"][0]["severity"] == "Info"
    assert conditions(got)["Ready"] == "True"


def test_a_refused_spec_is_invalid_and_names_the_field(service: Body, runtime: Body) -> None:
    got = status(service, runtime, problems=("spec.transformer is not supported",))
    assert conditions(got)["Ready"] == "False InvalidPredictorSpec"
    assert message(got) == "spec.transformer is not supported"
    assert got["modelStatus"] == {
        "transitionStatus": "InvalidSpec",
        "states": {"activeModelState": "", "targetModelState": "FailedToLoad"},
        "lastFailureInfo": {
            "reason": "InvalidPredictorSpec",
            "message": "spec.transformer is not supported",
        },
    }


def test_a_service_without_its_runtime_is_as_ready_as_it_was(
    service: Body, runtime: Body, living: Living
) -> None:
    new = status(service, None)
    assert conditions(new)["Ready"] == "Unknown"
    assert new["modelStatus"]["lastFailureInfo"]["reason"] == "RuntimeNotRecognized"
    pod = living(stable_pods(service, runtime)[0])
    service["status"] = status(service, runtime, (pod,))
    got = status(service, None, (pod,))
    assert conditions(got)["Ready"] == "True"
    assert got["modelStatus"]["transitionStatus"] == "InvalidSpec"
    assert got["url"] == URL


def test_a_taken_host_is_not_ready(service: Body, runtime: Body, living: Living) -> None:
    got = status(service, runtime, (living(stable_pods(service, runtime)[0]),), host_owner="b/a")
    assert conditions(got)["Ready"] == "False HostTaken"
    assert "b/a" in message(got)
    assert "url" not in got


def test_a_stopped_service_says_so_and_nothing_else(service: Body, runtime: Body, living: Living) -> None:
    pods = (living(stable_pods(service, runtime)[0]),)
    service["status"] = status(service, runtime, pods)
    service["metadata"]["annotations"] = {"serving.kserve.io/stop": "true"}
    got = status(service, runtime)
    assert conditions(got) == {
        "IngressReady": "False Stopped",
        "PredictorReady": "False Stopped",
        "Ready": "False Stopped",
        "Stopped": "True",
    }
    assert got["modelStatus"] == {"transitionStatus": ""}
    assert sorted(got) == ["conditions", "deploymentMode", "modelStatus", "observedGeneration"]


def test_conditions_keep_the_time_of_their_last_change(service: Body, runtime: Body, living: Living) -> None:
    later = T1 + timedelta(seconds=5)
    service["status"] = first = status(service, runtime)
    assert status(service, runtime, now=later) == first
    got = status(service, runtime, (living(stable_pods(service, runtime)[0]),), now=later)
    times = {c["type"]: c["lastTransitionTime"] for c in got["conditions"]}
    assert times.pop("Stopped") == STAMP
    assert set(times.values()) == {"2026-01-01T00:01:05Z"}
