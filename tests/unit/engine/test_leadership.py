"""What one who waits for the Lease, or has just got it, does when the server is not as it should be."""

import asyncio
import contextlib

import pytest

from mlplane.api.refs import Ref
from mlplane.engine.leadership import Leadership, Lost
from mlplane.engine.lease import KIND, Terms
from mlplane.errors import Terminal, Transient

LEASE = Ref("coordination.k8s.io/v1", KIND, "home", "one")
QUICK = Terms(duration=1.0, deadline=0.4, retry=0.05)


class Server:
    """The Lease, and how the server behaves."""

    def __init__(self):
        self.lease, self.version = None, 0
        self.error = None
        self.reads, self.stuck_reads, self.stuck_replies = 0, 0, 0

    async def get(self, _ref):
        self.reads += 1
        if self.reads <= self.stuck_reads:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return self.lease

    async def create(self, body, *, manager):
        return await self._written(body["spec"], manager)

    async def patch(self, _ref, patch, *, manager):
        return await self._written((self.lease or {}).get("spec", {}) | patch["spec"], manager)

    async def _written(self, spec, manager):
        assert manager
        self.version += 1
        self.lease = {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}
        if self.stuck_replies:
            self.stuck_replies -= 1
            await asyncio.Event().wait()
        return self.lease


async def until(look):
    async with asyncio.timeout(5):
        while not look():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def stopped(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_server_that_refuses_is_a_trouble_with_its_words_until_it_does_not_any_more(caplog):
    server = Server()
    server.error = Terminal("get Lease/one: the API server answered 403: forbidden")
    leadership = Leadership(server, LEASE, "me", QUICK)
    waiting = asyncio.create_task(leadership.acquire())
    await until(leadership.troubles)
    assert "403: forbidden" in leadership.troubles()[0]
    assert [r.levelname for r in caplog.records if "403" in r.getMessage()] == ["WARNING"]
    server.error = None
    await asyncio.wait_for(waiting, 5)
    assert leadership.troubles() == []


async def test_a_refusal_is_said_again_now_and_then(caplog, monkeypatch):
    monkeypatch.setattr("mlplane.engine.leadership.SAY_AGAIN_S", 0.1)
    server = Server()
    server.error = Terminal("403")
    waiting = asyncio.create_task(Leadership(server, LEASE, "me", QUICK).acquire())
    await until(lambda: len([r for r in caplog.records if r.levelname == "WARNING"]) >= 3)
    assert server.reads > 3
    await stopped(waiting)


async def test_to_wait_for_another_holder_is_no_trouble():
    server = Server()
    server.lease = {"metadata": {"resourceVersion": "1"}, "spec": {"holderIdentity": "another"}}
    leadership = Leadership(server, LEASE, "me", QUICK)
    waiting = asyncio.create_task(leadership.acquire())
    await until(lambda: server.reads > 2)
    assert leadership.troubles() == []
    await stopped(waiting)


async def test_an_answer_that_never_comes_is_asked_for_again():
    server = Server()
    server.stuck_reads = 1
    await asyncio.wait_for(Leadership(server, LEASE, "me", QUICK).acquire(), 5)
    assert server.lease["spec"]["holderIdentity"] == "me"


async def test_who_is_stopped_before_the_answer_to_a_claim_comes_gives_the_lease_up():
    server = Server()
    server.stuck_replies = 1
    leadership = Leadership(server, LEASE, "me", QUICK)
    waiting = asyncio.create_task(leadership.acquire())
    await until(lambda: server.lease)
    await stopped(waiting)
    await leadership.give_up()
    assert server.lease["spec"]["holderIdentity"] is None


async def test_who_never_claimed_the_lease_asks_nothing_when_it_stops():
    server = Server()
    await Leadership(server, LEASE, "me", QUICK).give_up()
    assert server.reads == 0


async def test_what_is_under_way_ends_before_the_lease_may_be_anothers():
    """A write that waits for its server to come back is not sent when somebody else may work."""
    leadership, sent = Leadership(Server(), LEASE, "me", QUICK), []
    await leadership.acquire()

    async def write():
        async with leadership.held():
            await asyncio.sleep(QUICK.deadline * 2)
            sent.append("late")

    with pytest.raises(Transient, match="took too long"):
        await write()
    with pytest.raises(Lost):
        await write()
    assert not sent
