"""An Evaluation that cannot be read never opens the gate, and never closes it for what it does not judge."""

import pytest

import builders as b
from mlplane import names
from mlplane.reconcilers import modelserver, modelversion

EARLY, LATE = "2026-01-02T03:00:00Z", "2026-01-02T03:00:01Z"


def judged(name, created, value="0.9721"):
    body = b.judged(value, name=name)
    body["metadata"]["creationTimestamp"] = created
    return body


def unreadable(name, created, *, lacks="verdict"):
    body = judged(name, created, "0.1030")
    del body["spec"]["recorded"][lacks]
    body["status"] = {}
    if created is None:
        del body["metadata"]["creationTimestamp"]
    return body


def approval(*evaluations, digest=b.MODEL_DIGEST):
    version = b.TYPES["ModelVersion"].model_validate(b.model_version(digest=digest))
    observed = b.observed_by(modelversion, version, evaluations)
    status = modelversion.plan(version, observed, b.NOW, b.SETTINGS).status
    found = next(c for c in status.conditions if c.type == names.APPROVED)
    return found.status, found.reason, found.message


@pytest.mark.parametrize(
    "broken",
    [
        unreadable("e-new", LATE),
        unreadable("e-new", EARLY),
        unreadable("e-new", None),
        unreadable("e-new", "2026-01-02T02:00:00Z", lacks="results"),
    ],
    ids=["newer", "of the same second", "of no known time", "older, but of no known gates"],
)
def test_a_passed_evaluation_does_not_stand_beside_one_that_cannot_be_read(broken):
    status, reason, message = approval(judged("e-old", EARLY), broken)
    assert (status, reason) == ("False", names.UNREADABLE_EVALUATION)
    assert '"e-new"' in message
    assert "correct or delete" in message


def test_a_verdict_that_cannot_be_read_may_be_a_rejection():
    """As after a return to an older mlplane: its spec is fine, and its status is not."""
    newer = judged("e-new", LATE, "0.1030")
    newer["status"]["confidence"] = "of a later version"
    status, reason, message = approval(judged("e-old", EARLY), newer)
    assert (status, reason) == ("False", names.UNREADABLE_EVALUATION)
    assert '"e-new"' in message


@pytest.mark.parametrize("names_of", [("a", "b"), ("b", "a")])
def test_of_two_of_the_same_second_the_one_that_passed_does_not_win(names_of):
    """As when a cluster is made anew of files: the order in which they were judged is not known any more."""
    passed, failed = names_of
    status, reason, _ = approval(judged(passed, EARLY), judged(failed, EARLY, "0.1030"))
    assert (status, reason) == ("False", names.GATE_FAILED)


def test_one_that_cannot_be_read_alone_says_so():
    assert approval(unreadable("e", EARLY))[:2] == ("False", names.UNREADABLE_EVALUATION)


def test_an_older_one_that_was_asked_again_since_revokes_nothing():
    assert approval(judged("e-new", LATE), unreadable("e-old", EARLY))[:2] == ("True", names.GATES_PASSED)


def test_a_failed_gate_is_the_reason_that_counts():
    status, reason, message = approval(judged("e-old", EARLY, "0.1030"), unreadable("e-new", LATE))
    assert (status, reason) == ("False", names.GATE_FAILED)
    assert '"e-new"' in message


def test_a_version_that_it_does_not_speak_of_is_untouched():
    other = "sha256:" + "9" * 64
    of_other = judged("e-other", EARLY)
    of_other["spec"]["modelVersion"]["digest"] = other
    assert approval(of_other, unreadable("e-new", LATE), digest=other)[:2] == ("True", names.GATES_PASSED)


@pytest.mark.parametrize(
    "reason",
    [
        names.GATE_FAILED,
        names.EVALUATION_FAILED,
        names.EVALUATION_INCONCLUSIVE,
        names.UNREADABLE_EVALUATION,
    ],
)
def test_a_server_that_pins_a_version_in_doubt_waits_for_a_person(reason):
    version = b.model_version(approved=False)
    version["status"]["conditions"][1]["reason"] = reason
    server = b.TYPES["ModelServer"].model_validate(b.server())
    observed = b.observed_by(modelserver, server, (version,))
    found = {c.type: c for c in modelserver.plan(server, observed, b.NOW, b.SETTINGS).status.conditions}
    assert found["Stalled"].reason == names.MODEL_VERSION_NOT_APPROVED
