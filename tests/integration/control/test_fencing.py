"""What a controller that was overtaken still sends does no harm: the server refuses it, or it is not sent."""

import pytest

from mlplane.api.applied import since
from mlplane.api.meta import Status
from mlplane.api.refs import Ref
from mlplane.engine.act import act
from mlplane.engine.commit import commit
from mlplane.engine.leadership import Lost
from mlplane.errors import Transient
from mlplane.reconcilers.plan import Plan

REF = Ref("v1", "ConfigMap", "default", "kept")


def wanted(text):
    metadata = {"name": "kept", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


async def test_what_was_decided_on_an_older_version_is_not_applied(cluster):
    await act(cluster, Plan(Status(), apply=(wanted("first"),)))
    seen_by_the_old_one = await cluster.get(REF)
    await act(cluster, Plan(Status(), apply=(since(seen_by_the_old_one, wanted("of the new one")),)))
    with pytest.raises(Transient, match="409"):
        await act(cluster, Plan(Status(), apply=(since(seen_by_the_old_one, wanted("of the old one")),)))
    assert (await cluster.get(REF))["data"] == {"text": "of the new one"}


async def test_what_a_stranger_has_made_meanwhile_is_not_taken_over(cluster):
    await cluster.apply(wanted("of a stranger"), manager="stranger")
    with pytest.raises(Transient, match="409"):
        await act(cluster, Plan(Status(), apply=(since(None, wanted("of ours")),)))
    assert (await cluster.get(REF))["data"] == {"text": "of a stranger"}


async def test_a_status_that_was_concluded_from_an_older_version_is_not_written(cluster, things):
    old = await things("a")
    ref = Ref(old["apiVersion"], "Thing", "default", "a")
    await cluster.patch(ref, {"status": {"fact": "newer"}}, manager="test", subresource="status")
    with pytest.raises(Transient, match="409"):
        await commit(cluster, old, {"fact": "older"})
    assert (await cluster.get(ref))["status"] == {"fact": "newer"}


async def test_who_may_not_write_any_more_writes_nothing(cluster):
    def lost():
        raise Lost("the Lease is gone")

    for plan in (Plan(Status(), create=(wanted("x"),)), Plan(Status(), apply=(wanted("x"),))):
        with pytest.raises(Lost):
            await act(cluster, plan, lost)
    assert await cluster.get(REF) is None
