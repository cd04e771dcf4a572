"""Durations, amounts and how they are said."""

import pytest

from mlplane.api.quantities import is_quantity, quantity
from mlplane.local.workflows.clock import NoDuration, seconds_of, spoken
from mlplane.local.workflows.resourceusage import usage_of
from mlplane.local.workflows.retries import backoff_seconds


@pytest.mark.parametrize(
    ("text", "want"), [("90", 90), ("2m", 120), ("1h30m", 5400), ("1.5s", 1.5), ("500ms", 0.5), ("0", 0)]
)
def test_a_duration_is_seconds_or_has_units(text, want):
    assert seconds_of(text) == want


@pytest.mark.parametrize("text", ["", "1d", "-1s", "1 m", "soon"])
def test_another_text_is_no_duration(text):
    with pytest.raises(NoDuration, match="unable to parse"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        (0.4, "0 seconds"),
        (1, "1 second"),
        (4, "4 seconds"),
        (60, "1 minute 0 seconds"),
        (150, "2 minutes 30 seconds"),
        (3660, "1 hour 1 minutes"),
        (90000, "1 day 1 hours"),
    ],
)
def test_a_wait_is_said_as_argo_says_it(seconds, want):
    assert spoken(seconds) == want


@pytest.mark.parametrize(
    ("attempts", "factor", "cap", "want"),
    [(1, 2, None, 2), (2, 2, None, 4), (4, 2, None, 16), (4, 2, 5, 5), (3, 0, None, 2), (5000, 9, 60, 60)],
)
def test_the_wait_grows_by_the_factor_up_to_the_cap(attempts, factor, cap, want):
    assert backoff_seconds(2, attempts, factor=factor, cap=cap) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [("500m", 0.5), ("1Gi", 2**30), ("1e3", 1000), ("0.5Ki", 512), ("2k", 2000), ("100n", 1e-7)],
)
def test_quantities_are_read_as_kubernetes_reads_them(text, want):
    assert float(quantity(text)) == want


@pytest.mark.parametrize("text", ["", "1 Gi", "Gi", "1gi", "one"])
def test_another_text_is_no_quantity(text):
    assert not is_quantity(text)


@pytest.mark.parametrize(
    ("resources", "want"),
    [
        ({}, {"cpu": 1, "memory": 10}),  # 100m and 100Mi are assumed
        ({"requests": {"cpu": "1", "memory": "1Gi"}}, {"cpu": 10, "memory": 102}),
        ({"limits": {"cpu": "2"}}, {"cpu": 20, "memory": 10}),
        ({"limits": {"cpu": "2"}, "requests": {"cpu": "500m"}}, {"cpu": 5, "memory": 10}),
    ],
)
def test_what_a_pod_used_is_what_it_asked_for_times_how_long_it_ran(resources, want):
    ended = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:10Z"}
    pod = {
        "spec": {"containers": [{"name": "main", "resources": resources}]},
        "status": {"containerStatuses": [{"name": "main", "state": {"terminated": ended}}]},
    }
    assert usage_of(pod) == want
