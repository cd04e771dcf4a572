"""Events about an InferenceService: what ``kubectl describe`` and ``kubectl events`` show of it.

Pure. KServe records that a service became ready, that it no longer is, and that it cannot be worked on.
"""

import hashlib
import json
from collections.abc import Iterator

from mlplane.api.meta import Body

_SOURCE = "v1beta1Controllers"
"""What KServe's controller calls itself."""


def events_of(service: Body, before: Body, after: Body, now: str) -> Iterator[Body]:
    """The events that a change of status calls for.

    Args:
        service: The InferenceService.
        before: Its status until now.
        after: Its status from now on.
        now: Time, RFC 3339.
    """
    name = service["metadata"]["name"]
    was, is_now = _ready(before), _ready(after)
    if is_now == "True" and was != "True":
        yield _event(service, now, "Normal", "InferenceServiceReady", f"InferenceService [{name}] is Ready")
    if is_now == "False" and was == "True":
        failed = ", ".join(c["type"] for c in after["conditions"] if c["status"] == "False" and _counts(c))
        message = f"InferenceService [{name}] is no longer Ready because of: {failed}"
        yield _event(service, now, "Warning", "InferenceServiceNotReady", message)
    if (refused := _refusal(after)) and refused != _refusal(before):
        yield _event(service, now, "Warning", "InternalError", refused)


def _ready(status: Body) -> str:
    conditions = status.get("conditions") or ()
    return next((c["status"] for c in conditions if c["type"] == "Ready"), "Unknown")


def _counts(condition: Body) -> bool:
    return str(condition["type"]) != "Stopped"


def _refusal(status: Body) -> str:
    model = status.get("modelStatus") or {}
    if model.get("transitionStatus") != "InvalidSpec":
        return ""
    return str((model.get("lastFailureInfo") or {}).get("message", ""))


def _event(service: Body, now: str, kind: str, reason: str, message: str) -> Body:
    """An Event; its name is made of its content, so that writing it again after a crash adds none."""
    meta = service["metadata"]
    content = json.dumps([meta["uid"], meta.get("resourceVersion"), reason, message])
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name']}.{hashlib.sha256(content.encode()).hexdigest()[:16]}",
            "namespace": meta["namespace"],
        },
        "involvedObject": {
            "apiVersion": service["apiVersion"],
            "kind": service["kind"],
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
        },
        "type": kind,
        "reason": reason,
        "message": message,
        "source": {"component": _SOURCE},
        "reportingComponent": _SOURCE,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
