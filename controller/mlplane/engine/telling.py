"""Tells people what the controller has written: Kubernetes Events, and notifications where they are wanted.

Listens to the engine; called after a status was written, never before, and never in its way.
"""

import asyncio
from datetime import UTC, datetime

from mlplane import names
from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, text
from mlplane.cluster.events import Recorder
from mlplane.engine.transitions import Transition, transitions
from mlplane.engine.webhook import Webhook


class Telling:
    """Who is told of changes."""

    def __init__(self, recorder: Recorder, webhook: Webhook | None = None) -> None:
        self._recorder = recorder
        self._webhook = webhook
        self._promoted: dict[str, str] = {}
        """The version of each server, by its uid, that was last told of as promoted."""

    def told(self, before: Body, status: Body) -> None:
        """A status was written."""
        for transition in transitions(before, status):
            self._recorder.tell(before, transition.news)
            if self._webhook and self._is_worth(before, status, transition):
                self._webhook.tell(cloud_event(before, status, transition, datetime.now(UTC)))

    async def run(self) -> None:
        """Tell, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run(), name="events")
            if self._webhook:
                group.create_task(self._webhook.run(), name="webhook")

    def _is_worth(self, before: Body, status: Body, transition: Transition) -> bool:
        """A server that answers again, with the version that it had, promotes nothing."""
        if transition.notice != "promoted":
            return bool(transition.notice)
        uid, digest = text(at(before, "metadata", "uid")), text(at(status, "modelVersion", "digest"))
        is_new = self._promoted.get(uid) != digest
        self._promoted[uid] = digest
        return is_new


def cloud_event(before: Body, status: Body, transition: Transition, now: datetime) -> Body:
    """A transition as a CloudEvent 1.0, in its JSON form.

    Its id is made of what was changed, so that one that arrives twice can be told.
    """
    meta = mapping(before.get("metadata"))
    reason = transition.news.reason
    facts = {key: value for key in ("modelVersion", "url", "digest") if (value := status.get(key))}
    return {
        "specversion": "1.0",
        "id": f"{meta.get('uid')}/{meta.get('resourceVersion')}/{reason}",
        "source": f"/apis/{names.API_VERSION}/namespaces/{meta.get('namespace')}",
        "type": f"{names.EVENT_TYPE}.{transition.notice}",
        "subject": f"{before.get('kind')}/{meta.get('name')}",
        "time": timestamp(now),
        "datacontenttype": "application/json",
        "data": {
            "namespace": meta.get("namespace"),
            "kind": before.get("kind"),
            "name": meta.get("name"),
            "reason": reason,
            "message": transition.news.message,
            **facts,
        },
    }
