"""When the node reports itself, and as what."""

from datetime import UTC, datetime, timedelta

import pytest

from mlplane.local.node.registration import REPORT, is_reported, lease_body, node_body, node_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def reported(at=NOW, **changes):
    node = node_body() | {"status": node_status(at)}
    node["status"]["conditions"][-1] |= changes
    return node


def test_a_node_that_has_just_reported_does_not_again_until_its_report_is_old():
    assert is_reported(reported(), NOW + REPORT - timedelta(seconds=1))
    assert not is_reported(reported(), NOW + REPORT)


@pytest.mark.parametrize("status", ["Unknown", "False"])
def test_a_node_that_was_taken_for_lost_reports_at_once(status):
    assert not is_reported(reported(status=status), NOW)


def test_a_report_leaves_nothing_unsaid_that_a_control_plane_asks_for():
    said = {each["type"]: each["status"] for each in node_status(NOW)["conditions"]}
    healthy = {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
    assert said == healthy | {"Ready": "True"}


def test_a_new_node_reports():
    assert not is_reported(node_body(), NOW)


def test_the_lease_goes_with_its_node():
    node = node_body()
    node["metadata"]["uid"] = "u"
    [owner] = lease_body(node, {})["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Node", "u")


def test_no_scheduler_sends_pods_here():
    [taint] = node_body()["spec"]["taints"]
    assert taint["effect"] == "NoSchedule"
