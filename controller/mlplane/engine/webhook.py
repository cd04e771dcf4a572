"""Tells another system what has failed, was aborted or was promoted: one JSON POST for each, by a webhook.

The body is a CloudEvent in structured mode; where the operator gives a secret, it is signed as Standard
Webhooks have it. Nobody waits for it: a receiver that does not take it within a few tries is given up, and
the log says so. The URL may hold a secret, so nothing of it but its host is ever logged. Used by ``telling``.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import random
import time
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from mlplane import names
from mlplane.api.meta import Body
from mlplane.errors import InvalidInput

WAITING = 256
"""Notifications that may wait to be sent; more are dropped."""
TRIES = 6
FIRST_DELAY_S = 1.0
"""Pause after the first try; each further one is twice as long, so that all take about half a minute."""
TIMEOUT_S = 10.0
PREFIX = "whsec_"
SHORTEST_B = 24

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receiver:
    """Where notifications go."""

    url: URL = field(repr=False)
    key: bytes = field(default=b"", repr=False)
    """What they are signed with; empty for none."""

    def __str__(self) -> str:
        return f"{self.url.scheme}://{self.url.host}"


def receiver(url: str, secret: str = "") -> Receiver | None:
    """The receiver that an operator has configured; None without a URL.

    Args:
        url: http or https. It may hold a secret.
        secret: ``whsec_`` and 24 bytes or more in base64; empty for none.

    Raises:
        InvalidInput: One of them cannot be used. The message holds neither.
    """
    if not url:
        return None
    try:
        parsed = URL(url)
        host = (parsed.host or "").encode("idna")  # as the resolver does it, which would fail later
    except ValueError:
        parsed, host = URL(), b""
    if parsed.scheme not in ("http", "https") or not host:
        raise InvalidInput(f"{names.NOTIFY_URL_ENV} is no URL such as https://chat.example.com/hooks/mlplane")
    return Receiver(parsed, _key(secret) if secret else b"")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or len(key) < SHORTEST_B:
        raise InvalidInput(
            f"{names.NOTIFY_SECRET_ENV} is no secret of a webhook: expected {PREFIX} and at least "
            f'{SHORTEST_B} bytes in base64, such as of: echo "{PREFIX}$(openssl rand -base64 32)"'
        )
    return key


def signature(key: bytes, identity: str, moment: str, body: bytes) -> str:
    """The header ``webhook-signature`` of Standard Webhooks (v1, HMAC-SHA256)."""
    signed = b".".join((identity.encode(), moment.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Webhook:
    """Sends CloudEvents in the background, one after the other."""

    def __init__(self, to: Receiver) -> None:
        self._to = to
        self._waiting: asyncio.Queue[Body] = asyncio.Queue(WAITING)

    def tell(self, event: Body) -> None:
        """Have an event sent. Does no I/O, and never fails."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("notification %s dropped: too many wait for %s", event["id"], self._to)

    async def run(self) -> None:
        """Send what is told, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._send(session, await self._waiting.get())

    async def _send(self, session: aiohttp.ClientSession, event: Body) -> None:
        delay = FIRST_DELAY_S
        for number in range(1, TRIES + 1):
            outcome, again = await self._try(session, event)
            if not outcome:
                return
            if not again or number == TRIES:
                break
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311
            delay *= 2
        log.warning("notification %s given up: %s: %s", event["id"], self._to, outcome)

    async def _try(self, session: aiohttp.ClientSession, event: Body) -> tuple[str, bool]:
        """What went wrong, empty if nothing did, and whether another try may help."""
        body = json.dumps(event).encode()
        try:
            # A redirect could lead the event, and its signature, to somebody else.
            async with session.post(
                self._to.url, data=body, headers=self._headers(event["id"], body), allow_redirects=False
            ) as response:
                code = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__, True  # its text may hold the URL
        return ("" if 200 <= code < 300 else f"HTTP {code}"), code in (408, 425, 429) or code >= 500

    def _headers(self, identity: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        if not self._to.key:
            return headers
        moment = str(int(time.time()))
        return headers | {
            "webhook-id": identity,
            "webhook-timestamp": moment,
            "webhook-signature": signature(self._to.key, identity, moment, body),
        }
