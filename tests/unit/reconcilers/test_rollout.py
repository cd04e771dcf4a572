"""A rollout step by step: what comes next, whatever has happened so far."""

from datetime import UTC, datetime, timedelta

import pytest

import builders as b
from mlplane.adapters.kserve import Served, Serving, service_for
from mlplane.api import ModelServer
from mlplane.reconcilers.rollout import DEADLINE, SETTLES, Step, next_step

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD, NEW, THIRD = (Served(f"sha256:{digit * 64}", f"s3://models/{digit}") for digit in "123")
SERVER = ModelServer.model_validate(b.server())
SECOND = timedelta(seconds=1)
URL = "http://digits-default.example.com"


def service(serving, *, ready="True", canary=None, since=10 * SECOND, address=OLD, last_ready=OLD):
    """As KServe shows it: ``canary`` is (name, is ready, percent); ``last_ready`` has been ready once."""
    made = service_for(SERVER, serving)
    time = (NOW - since).strftime("%Y-%m-%dT%H:%M:%SZ")
    made["metadata"]["managedFields"] = [
        {"manager": "mlplane-controller", "operation": "Apply", "time": time}
    ]
    status = {
        "conditions": [{"type": "Ready", "status": ready}],
        "url": URL,
        "address": {"url": f"http://digits-{address.predictor}-predictor.default.svc.cluster.local"},
    }
    if last_ready:
        url = f"http://digits-{last_ready.predictor}-predictor-default.example.com"
        status["components"] = {"predictor": {"url": url}}
    if canary:
        of, is_ready, percent = canary
        status["canaryStatuses"] = [{"name": of.predictor, "ready": is_ready, "trafficPercent": percent}]
    return made | {"status": status}


MOVED = Serving(OLD, NEW, 100)
CASES = {
    "there is nothing": (None, NEW, Step(Serving(NEW))),
    "nobody has looked": (service(Serving(OLD)) | {"status": {}}, NEW, Step(Serving(NEW))),
    "the old one was never ready": (
        service(Serving(OLD), ready="False", last_ready=None),
        NEW,
        Step(Serving(NEW)),
    ),
    "all is as wanted": (service(Serving(OLD)), OLD, Step(Serving(OLD))),
    "it begins": (service(Serving(OLD)), NEW, Step(Serving(OLD, NEW), DEADLINE)),
    "it begins while the old one is away": (
        service(Serving(OLD), ready="False"),
        NEW,
        Step(Serving(OLD, NEW), DEADLINE),
    ),
    "the new one starts": (
        service(Serving(OLD, NEW), canary=(NEW, False, 0)),
        NEW,
        Step(Serving(OLD, NEW), DEADLINE - 10 * SECOND),
    ),
    "KServe has not seen the new one": (
        service(Serving(OLD, NEW)),
        NEW,
        Step(Serving(OLD, NEW), DEADLINE - 10 * SECOND),
    ),
    "the new one does not become ready": (
        service(Serving(OLD, NEW), canary=(NEW, False, 0), since=DEADLINE),
        NEW,
        Step(Serving(OLD, NEW), None, is_overdue=True),
    ),
    "the new one becomes ready late": (
        service(Serving(OLD, NEW), canary=(NEW, True, 0), since=2 * DEADLINE),
        NEW,
        Step(MOVED, SETTLES),
    ),
    "the new one is ready": (service(Serving(OLD, NEW), canary=(NEW, True, 0)), NEW, Step(MOVED, SETTLES)),
    "the new one is ready and the old one away": (
        service(Serving(OLD, NEW), ready="False", canary=(NEW, True, 0)),
        NEW,
        Step(Serving(NEW)),
    ),
    "KServe has not moved the traffic": (
        service(MOVED, canary=(NEW, True, 0)),
        NEW,
        Step(MOVED, SECOND),
    ),
    "the gateway may not have followed": (
        service(MOVED, canary=(NEW, True, 100), since=2 * SECOND),
        NEW,
        Step(MOVED, SETTLES - 2 * SECOND),
    ),
    "the traffic has moved": (service(MOVED, canary=(NEW, True, 100)), NEW, Step(Serving(NEW))),
    "the traffic is moving and the old one is away": (
        service(MOVED, ready="False", canary=(NEW, True, 0), since=SECOND),
        NEW,
        Step(Serving(NEW)),
    ),
    "the new one fails with the traffic": (
        service(MOVED, canary=(NEW, False, 100)),
        NEW,
        Step(Serving(OLD, NEW), DEADLINE - 10 * SECOND),
    ),
    "KServe has not seen the promotion": (
        service(Serving(NEW), canary=(NEW, True, 100)),
        NEW,
        Step(Serving(NEW)),
    ),
    "a third is wanted before KServe has seen the promotion": (
        service(Serving(NEW), canary=(NEW, True, 100)),
        THIRD,
        Step(Serving(NEW, THIRD), DEADLINE),
    ),
    "a third is wanted before the new one is ready": (
        service(Serving(OLD, NEW), canary=(NEW, False, 0), since=DEADLINE),
        THIRD,
        Step(Serving(OLD, THIRD), DEADLINE),
    ),
    "a third is wanted while the traffic moves": (
        service(MOVED, canary=(NEW, True, 100), since=SECOND),
        THIRD,
        Step(MOVED, SETTLES - SECOND),
    ),
    "a third is wanted when the traffic has moved": (
        service(MOVED, canary=(NEW, True, 100)),
        THIRD,
        Step(Serving(NEW)),
    ),
    "the old one is wanted again before the new one is ready": (
        service(Serving(OLD, NEW), canary=(NEW, False, 0)),
        OLD,
        Step(Serving(OLD)),
    ),
    "the old one is wanted again when the new one is ready": (
        service(Serving(OLD, NEW), canary=(NEW, True, 0)),
        OLD,
        Step(Serving(OLD)),
    ),
    "the old one is wanted again when the traffic has moved": (
        service(MOVED, canary=(NEW, True, 100)),
        OLD,
        Step(Serving(NEW)),
    ),
    "the new one is fetched from elsewhere": (
        service(Serving(OLD, NEW), canary=(NEW, True, 0)),
        Served(NEW.digest, "s3://elsewhere"),
        Step(Serving(OLD, Served(NEW.digest, "s3://elsewhere")), DEADLINE),
    ),
    "the only one is fetched from elsewhere": (
        service(Serving(OLD)),
        Served(OLD.digest, "s3://elsewhere"),
        Step(Serving(Served(OLD.digest, "s3://elsewhere"))),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_next_step_follows_from_what_there_is(case):
    found, wanted, step = CASES[case]
    assert next_step(found, wanted, NOW) == step
