"""What a client asks of a container's log: which container, which of its runs, how much. Pure.

Refusals are those of the API server (what does not go together) and of the kubelet (what has not run).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlplane.local.apiserver.queries import Query, flag, number
from mlplane.local.apiserver.statuses import ApiError, Body, Cause, bad_request, invalid
from mlplane.structural import causes

_TIMES = ("timestamps", "sinceSeconds", "sinceTime")
_IMAGE_TEXTS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The parameters of a log request."""

    container: str
    follow: bool
    tail: int | None
    """Lines."""
    limit: int | None
    """Bytes."""
    previous: bool = False
    """The run before the present one is wanted, and its log is in a file of its own."""


def log_options(query: Query, pod: Body) -> LogOptions:
    """Read the parameters and pick the container and the run.

    Raises:
        ApiError: 400 for a container that does not exist or has not run, and for what this server does not
            have: times of lines; 422 for values that make no sense.
    """
    tail, limit, since = (number(query, name) for name in ("tailLines", "limitBytes", "sinceSeconds"))
    name = pod["metadata"]["name"]
    if problems := list(_problems(tail, limit, since, both=bool(since and query.get("sinceTime")))):
        raise invalid("", "PodLogOptions", name, problems)
    container = _container(query.get("container", ""), pod)
    for wanted in _TIMES:
        if query.get(wanted) and (wanted != "timestamps" or flag(query, wanted)):
            raise bad_request(f"{wanted} is not supported: container logs are kept without times")
    previous = _is_previous(pod, container) if flag(query, "previous") else False
    return LogOptions(container, flag(query, "follow"), tail, limit, previous)


def _problems(tail: int | None, limit: int | None, since: int | None, *, both: bool) -> Iterator[Cause]:
    if both:
        yield causes.forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    if tail is not None and tail < 0:
        yield causes.invalid("tailLines", tail, "must be greater than or equal to 0")
    if limit is not None and limit < 1:
        yield causes.invalid("limitBytes", limit, "must be greater than 0")
    if since is not None and since < 1:
        yield causes.invalid("sinceSeconds", since, "must be greater than 0")


def _container(wanted: str, pod: Body) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [each["name"] for each in (*(spec.get("initContainers") or ()), *spec["containers"])]
    if not wanted and len(spec["containers"]) > 1:
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        )
    wanted = wanted or spec["containers"][0]["name"]
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


def _is_previous(pod: Body, container: str) -> bool:
    """Whether the log of the last ended run is that of an earlier run than the one in the state.

    Raises:
        ApiError: 400 if no run has ended before.
    """
    status = status_of(pod, container)
    if "terminated" not in (status.get("lastState") or {}):
        raise bad_request(
            f'previous terminated container "{container}" in pod "{pod["metadata"]["name"]}" not found'
        )
    return "waiting" not in (status.get("state") or {})


def check_started(pod: Body, container: str) -> None:
    """Refuse the log of a container that has never run.

    Raises:
        ApiError: 400 with the reason why it waits.
    """
    status = status_of(pod, container)
    state = status.get("state") or {}
    if state.keys() & {"running", "terminated"} or (status.get("lastState") or {}).get("terminated"):
        return
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    why = _IMAGE_TEXTS.get(reason, reason)
    where = f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    raise ApiError(400, "BadRequest", f"{where} is waiting to start: {why}")


def status_of(pod: Body, container: str) -> dict[str, Any]:
    """The status of a container; empty if there is none yet."""
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses"):
        for each in status.get(field) or ():
            if each.get("name") == container:
                return dict(each)
    return {}


def has_ended(pod: Body | None, container: str) -> bool:
    """Whether the run of the container is over: what is in the file now is all of it."""
    return pod is None or "running" not in (status_of(pod, container).get("state") or {})
