"""KServe: what came of an InferenceService, read from its status and from its managed fields. Pure.

A status may speak of an older spec, and KServe does not number the specs: ``status.observedGeneration`` is
the generation of the predictor's Deployment, which is another one for each predictor. So each reader here
looks at the predictor's name instead.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from mlplane import names
from mlplane.adapters.kserve import workload_of
from mlplane.api import Body
from mlplane.api.conditions import of
from mlplane.api.reading import at, mappings, text

NOT_SEEN = "the InferenceService has not been looked at yet"
URL_LIMIT = 512


@dataclass(frozen=True)
class Endpoint:
    """How far an InferenceService is."""

    state: Literal["Pending", "Ready", "Failed"]
    message: str = ""
    url: str = ""


@dataclass(frozen=True)
class CanaryStatus:
    """How far a canary is; KServe says no more of one, and not why it is not ready."""

    is_ready: bool = False
    percent: int = 0
    """Its share of the traffic, as KServe has seen it last."""


def endpoint_of(service: Body) -> Endpoint:
    """Read an InferenceService; what speaks of an older predictor is not there yet."""
    transition = at(service, "status", "modelStatus", "transitionStatus")
    url, ready = text(at(service, "status", "url"))[:URL_LIMIT], of(service, "Ready")
    failure = at(service, "status", "modelStatus", "lastFailureInfo")
    failed = Endpoint("Failed", _why(failure) or "KServe does not say why", url)
    if transition == "InvalidSpec":  # KServe goes no further, and leaves the address as it was
        return failed
    name = text(at(service, "spec", "predictor", "name"))
    # A canary that was promoted has all the traffic already, whoever the rest of the status speaks of.
    is_promoted = canary_status(service, name).is_ready
    if ready is None or (_addressed(service) not in ("", workload_of(service, name)) and not is_promoted):
        return Endpoint("Pending", NOT_SEEN, url)
    if transition == "BlockedByFailedLoad" and not is_promoted:
        return failed
    if ready.get("status") != "True":
        return Endpoint("Pending", _why(ready) or "it is not ready yet", url)
    return Endpoint("Ready", "", url) if url else Endpoint("Pending", "it is ready and has no address yet")


def canary_status(service: Body, name: str) -> CanaryStatus:
    """How far the canary of this name was when KServe looked last."""
    every = mappings(at(service, "status", "canaryStatuses"))
    found = next((each for each in every if each.get("name") == name), {})
    percent = found.get("trafficPercent")
    return CanaryStatus(found.get("ready") is True, percent if isinstance(percent, int) else 0)


def has_served(service: Body) -> bool:
    """Whether the present predictor has been ready, be it as a canary; also while it is away.

    KServe keeps the address of the predictor that was ready last, and makes its host of the name of the
    Deployment by a template that an operator may change.
    """
    name = text(at(service, "spec", "predictor", "name"))
    last_ready = text(at(service, "status", "components", "predictor", "url"))
    is_known = workload_of(service, name) in last_ready or canary_status(service, name).is_ready
    return is_known or endpoint_of(service).state == "Ready"


def changed_at(service: Body) -> datetime | None:
    """When what mlplane wants of an InferenceService changed last, to the second; None if nobody says."""
    applied = [
        entry
        for entry in mappings(at(service, "metadata", "managedFields"))
        if (entry.get("manager"), entry.get("operation")) == (names.CONTROLLER_MANAGER, "Apply")
    ]
    times = [datetime.fromisoformat(time) for entry in applied if (time := text(entry.get("time")))]
    return max(times, default=None)


def _why(said: object) -> str:
    return text(at(said, "message")) or text(at(said, "reason"))


def _addressed(service: Body) -> str:
    """Name of the Service that the address leads to; empty before there is one."""
    try:
        host = urlsplit(text(at(service, "status", "address", "url"))).hostname
    except ValueError:  # no URL
        return "?"
    return (host or "").partition(".")[0]
