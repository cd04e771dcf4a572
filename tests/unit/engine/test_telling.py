"""What the controller tells another system: a CloudEvent to a receiver that may be slow, broken or gone."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from contextlib import asynccontextmanager, suppress

import pytest
from cloudevents.http import from_http

from faults.processes import eventually
from mlplane.engine import webhook
from mlplane.engine.telling import Telling
from mlplane.engine.webhook import Receiver, Webhook, receiver
from mlplane.errors import InvalidInput
from receiver import receiving

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BEFORE = {
    "apiVersion": "mlplane.dev/v1alpha1",
    "kind": "ModelServer",
    "metadata": {"name": "digits", "namespace": "prod", "uid": "u-1", "resourceVersion": "7"},
}


def conditions(reason, holds="True"):
    return [{"type": "Ready", "status": holds, "reason": reason, "message": f"about {reason}"}]


def serving(digest="sha256:a"):
    version = {"name": "digits-1", "digest": digest}
    return {"conditions": conditions("Serving"), "modelVersion": version, "url": "http://digits"}


class Events:
    """The Kubernetes Events of these tests: nobody reads them."""

    def tell(self, about, news):
        pass

    async def run(self):
        await asyncio.Event().wait()


@asynccontextmanager
async def telling(url, key=b""):
    teller = Telling(Events(), Webhook(Receiver(url, key)))
    task = asyncio.create_task(teller.run())
    try:
        yield teller
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(number, got):
    await eventually(lambda: len(got) >= number, f"{number} notifications")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(webhook, "FIRST_DELAY_S", 0.01)


async def test_a_promotion_arrives_as_a_cloud_event_that_the_sdk_reads():
    async with receiving([]) as (url, got), telling(url) as teller:
        teller.told({**BEFORE, "status": {"conditions": conditions("RollingOut")}}, serving())
        await until(1, got)
    headers, body, _ = got[0]
    event = from_http(headers, body)
    assert event["type"] == "dev.mlplane.promoted"
    assert event["source"] == "/apis/mlplane.dev/v1alpha1/namespaces/prod"
    assert event["subject"] == "ModelServer/digits"
    assert event["id"] == "u-1/7/Serving"
    assert event.data == {
        "namespace": "prod",
        "kind": "ModelServer",
        "name": "digits",
        "reason": "Serving",
        "message": "about Serving",
        "modelVersion": {"name": "digits-1", "digest": "sha256:a"},
        "url": "http://digits",
    }


async def test_with_a_secret_it_is_signed_over_id_time_and_body():
    async with receiving([]) as (url, got), telling(url, receiver(str(url), SECRET).key) as teller:
        teller.told(BEFORE, serving())
        await until(1, got)
    headers, body, _ = got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == json.loads(body)["id"]


async def test_a_receiver_that_fails_gets_it_again_until_it_takes_it():
    async with receiving([503, 429, 500]) as (url, got), telling(url) as teller:
        teller.told(BEFORE, serving())
        await until(4, got)
    assert len({json.loads(body)["id"] for _, body, _ in got}) == 1


async def test_one_that_refuses_or_redirects_gets_it_once_and_the_next_one_still(caplog):
    caplog.set_level(logging.INFO)
    async with receiving([400, 302]) as (url, got), telling(url) as teller:
        for digest in "abc":
            teller.told(BEFORE, serving(digest))
        await until(3, got)
    assert [path for _, _, path in got] == ["/hook?token=geheim"] * 3
    assert "given up: http://127.0.0.1: HTTP 400" in caplog.text
    assert "geheim" not in caplog.text


async def test_one_that_is_not_there_is_given_up_and_the_log_does_not_show_its_address(caplog):
    async with receiving([]) as (url, _):
        pass
    async with telling(url) as teller:
        teller.told(BEFORE, serving())
        await eventually(lambda: "given up" in caplog.text, "it is given up")
    assert "geheim" not in caplog.text


async def test_one_that_does_not_answer_is_left_after_a_time_and_nobody_waits_for_it(monkeypatch):
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.2)

    async def hang(_):
        await asyncio.sleep(30)

    async with receiving([hang]) as (url, got), telling(url) as teller:
        for number in range(webhook.WAITING + 50):  # more than may wait: no error, and no wait
            teller.told(BEFORE, serving(str(number)))
        await until(2, got)


async def test_a_server_that_answers_again_is_not_promoted_again():
    async with receiving([]) as (url, got), telling(url) as teller:
        for _ in range(3):
            teller.told({**BEFORE, "status": {"conditions": conditions("Deploying", "False")}}, serving())
        teller.told(BEFORE, serving("sha256:b"))
        await until(2, got)
    assert [json.loads(body)["data"]["modelVersion"]["digest"] for _, body, _ in got] == [
        "sha256:a",
        "sha256:b",
    ]


async def test_what_is_news_but_no_notification_is_not_sent():
    async with receiving([]) as (url, got), telling(url) as teller:
        teller.told(BEFORE, {"conditions": conditions("RollingOut")})
        teller.told(BEFORE, serving())
        await until(1, got)
    assert [json.loads(body)["type"] for _, body, _ in got] == ["dev.mlplane.promoted"]


@pytest.mark.parametrize(
    "url",
    [
        *("geheim", "ftp://geheim/x", "http://", "http://[geheim", "https:///geheim"),
        *("http://geheim..example", f"http://{'geheim' * 11}.example", "http://xn--geheim-/"),
    ],
)
def test_a_wrong_address_is_refused_without_being_shown(url):
    with pytest.raises(InvalidInput, match="MLPLANE_NOTIFY_URL is no URL") as refused:
        receiver(url)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("secret", ["geheim", "whsec_", "whsec_Z2VoZWlt", "whsec_???" + "a" * 40])
def test_a_wrong_secret_is_refused_without_being_shown(secret):
    with pytest.raises(InvalidInput, match="MLPLANE_NOTIFY_SECRET is no secret") as refused:
        receiver("https://example.com", secret)
    assert (
        secret not in str(refused.value).replace("whsec_ and", "").replace('"whsec_$', "")
        or secret == "whsec_"
    )


def test_a_receiver_shows_no_more_than_its_host():
    shown = f"{receiver('https://user:geheim@example.com/geheim?geheim', SECRET)!r}"
    assert "geheim" not in shown
    assert SECRET not in shown
    assert str(receiver("https://user:geheim@example.com/geheim")) == "https://example.com"


def test_without_an_address_nothing_is_sent():
    assert receiver("") is None
