"""Who may claim a Lease, when, and what is written then."""

from datetime import UTC, datetime

import pytest

from mlplane.api.refs import Ref
from mlplane.engine.lease import API_VERSION, KIND, Sight, Terms, claim, free_at, holder_of, release, seen

REF = Ref(API_VERSION, KIND, "mlplane-system", "mlplane-controller")
TERMS = Terms()
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
MOMENT = "2026-01-02T03:04:05.000678Z"


def lease(holder="other", version="7", **spec):
    spec = {"leaseDurationSeconds": 15, "renewTime": "2000-01-01T00:00:00.000000Z"} | spec
    return {
        "metadata": {"resourceVersion": version},
        "spec": spec | ({"holderIdentity": holder} if holder else {}),
    }


def test_another_holder_is_waited_for_from_when_its_last_sign_of_life_was_seen_here():
    assert free_at(lease(), "me", Sight("7", at=100.0), TERMS) == 115.0


@pytest.mark.parametrize("renewed", ["1970-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z", "noon", 7])
def test_the_clock_of_another_holder_does_not_matter(renewed):
    assert free_at(lease(renewTime=renewed), "me", Sight("7", at=100.0), TERMS) == 115.0


def test_the_holder_says_how_long_it_is_to_be_left_alone():
    assert free_at(lease(leaseDurationSeconds=40), "me", Sight("7", at=100.0), TERMS) == 140.0


@pytest.mark.parametrize("seconds", [None, 0, -5, "15", 10**30, 1.5, [], {}])
def test_a_duration_that_makes_no_sense_is_replaced_by_the_own_one(seconds):
    assert free_at(lease(leaseDurationSeconds=seconds), "me", Sight("7", at=100.0), TERMS) == 115.0


@pytest.mark.parametrize(
    "found", [None, lease(holder=None), lease(holder=""), lease(holder="me"), {"spec": 3}]
)
def test_what_nobody_else_holds_is_free_at_once(found):
    assert free_at(found, "me", Sight("7", at=100.0), TERMS) == float("-inf")


def test_only_a_change_is_a_sign_of_life():
    first = seen(None, lease(version="7"), now=10.0)
    assert seen(first, lease(version="7"), now=20.0) == Sight("7", 10.0)
    assert seen(first, lease(version="8"), now=20.0) == Sight("8", 20.0)
    assert seen(first, None, now=20.0) == Sight(None, 20.0)


def test_a_first_claim_is_a_whole_lease():
    assert claim(REF, None, "me", NOW, TERMS) == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "mlplane-controller", "namespace": "mlplane-system"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "acquireTime": MOMENT,
            "renewTime": MOMENT,
            "leaseTransitions": 0,
        },
    }


def test_a_renewal_changes_the_time_of_the_version_that_was_read_and_nothing_else():
    patch = claim(REF, lease("me", leaseTransitions=3), "me", NOW, TERMS)
    assert patch["metadata"] == {"resourceVersion": "7"}
    assert patch["spec"] == {"holderIdentity": "me", "renewTime": MOMENT, "leaseDurationSeconds": 15}


@pytest.mark.parametrize(("before", "after"), [(3, 4), (None, 1), ("many", 1)])
def test_taking_over_is_counted(before, after):
    spec = claim(REF, lease("other", leaseTransitions=before), "me", NOW, TERMS)["spec"]
    assert spec["leaseTransitions"] == after
    assert spec["acquireTime"] == MOMENT


def test_a_lease_that_was_given_up_has_no_holder():
    patch = release(lease("me"))
    assert patch == {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": None}}


@pytest.mark.parametrize(
    ("spec", "holder"), [({"holderIdentity": 3}, "3"), ("text", None), (None, None), ([], None)]
)
def test_a_holder_is_read_from_anything(spec, holder):
    assert holder_of({"spec": spec}) == holder
