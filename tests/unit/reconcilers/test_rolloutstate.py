"""What a ModelServer says while one version takes the place of another."""

import pytest

import builders as b
from mlplane.adapters.kserve import Serving, served_as, service_for
from mlplane.api import ModelServer, ModelVersion
from mlplane.reconcilers import modelserver

OLD = b.model_version(approved=True)
NEW = b.model_version("digits-new", digest="sha256:" + "b" * 64, approved=True)
PIN = {"modelVersion": {"name": "digits-new", "digest": "sha256:" + "b" * 64}}
LONG_AGO, JUST_NOW = "2026-01-02T02:00:00Z", "2026-01-02T03:04:05Z"


def service(*, ready: bool, since: str, canary_ready: bool = False, percent: int = 0):
    old, new = (served_as(ModelVersion.model_validate(version), b.SETTINGS) for version in (OLD, NEW))
    made = service_for(ModelServer.model_validate(b.server()), Serving(old, new, percent))
    applied = {"manager": "mlplane-controller", "operation": "Apply", "time": since}
    made["metadata"]["managedFields"] = [applied]
    status = {
        "url": "http://digits",
        "conditions": [{"type": "Ready", "status": str(ready), "message": "its pod is away"}],
        "components": {"predictor": {"url": "http://digits-v-eeeeeeee-predictor-default"}},
        "canaryStatuses": [{"name": "v-bbbbbbbb", "ready": canary_ready, "trafficPercent": percent}],
    }
    return made | {"status": status}


def told(*bodies, known: dict | None = None):
    """Reason by condition, the message of Ready, and the version that is said to be served."""
    server = b.server(spec=PIN, status={"modelVersion": known} if known else None)
    typed = ModelServer.model_validate(server)
    status = modelserver.plan(typed, b.observed_by(modelserver, typed, bodies), b.NOW, b.SETTINGS).status
    reasons = {c.type: (c.status, c.reason) for c in status.conditions}
    message = next(c.message for c in status.conditions if c.type == "Ready")
    return reasons, message, status.model_version.name


@pytest.mark.parametrize(
    ("found", "ready", "beside", "says"),
    [
        (
            service(ready=True, since=JUST_NOW),
            ("True", "RollingOut"),
            "Reconciling",
            "-l app=isvc.digits-v-bbbbbbbb-predictor",
        ),
        (
            service(ready=True, since=JUST_NOW, canary_ready=True),
            ("True", "RollingOut"),
            "Reconciling",
            "traffic moves to it",
        ),
        (
            service(ready=True, since=LONG_AGO),
            ("True", "RolloutStalled"),
            "Stalled",
            "correct it or serve another version",
        ),
        (service(ready=False, since=JUST_NOW), ("False", "Deploying"), "Reconciling", "its pod is away"),
        (service(ready=False, since=LONG_AGO), ("False", "RolloutStalled"), "Stalled", "its pod is away"),
    ],
    ids=["new one starts", "new one is ready", "new one is overdue", "old one is away", "both are away"],
)
def test_ready_is_whether_somebody_answers_and_the_other_condition_tells_of_the_new_one(
    found, ready, beside, says
):
    reasons, message, version = told(OLD, NEW, found)
    assert reasons == {"Ready": ready, beside: ("True", ready[1])}
    assert says in message
    assert version == "digits-aaaaaaaa"


def test_the_version_that_serves_keeps_its_name_when_its_record_is_gone():
    found = service(ready=True, since=JUST_NOW)
    known = {"name": "digits-aaaaaaaa", "digest": b.MODEL_DIGEST}
    assert told(NEW, found, known=known)[2] == "digits-aaaaaaaa"
    _, message, version = told(NEW, found)
    assert 'ModelVersion "v-eeeeeeee" answers' in message
    assert version == "digits-new"


def test_versions_that_cannot_be_read_are_no_version_that_serves():
    unreadable = b.model_version("unreadable", approved=True)
    del unreadable["spec"]["artifact"]
    reasons, _, version = told(unreadable, NEW)
    assert (reasons["Ready"], version) == (("False", "Deploying"), "digits-new")


def test_while_a_third_version_waits_for_the_second_it_says_so():
    third = b.model_version("digits-third", digest="sha256:" + "c" * 64, approved=True)
    pin = {"modelVersion": {"name": "digits-third", "digest": "sha256:" + "c" * 64}}
    typed = ModelServer.model_validate(b.server(spec=pin))
    found = service(ready=True, since=JUST_NOW, canary_ready=True, percent=100)
    observed = b.observed_by(modelserver, typed, (OLD, NEW, third, found))
    ready = modelserver.plan(typed, observed, b.NOW, b.SETTINGS).status.conditions[0]
    assert (ready.status, ready.reason) == ("True", "RollingOut")
    assert '"digits-third" is being rolled out: the version before it is finished with first' in ready.message
