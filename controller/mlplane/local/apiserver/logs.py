"""``GET pods/NAME/log``: the file that the node writes for a container, as a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlplane.local.apiserver.statuses import ApiError, Body, bad_request
from mlplane.local.apiserver.writes import flag

_LOOK_SECONDS = 0.1
_BLOCK = 64 * 2**10
_REFUSED = ("timestamps", "sinceSeconds", "sinceTime")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The parameters of a log request."""

    container: str
    follow: bool
    tail: int | None
    """Lines."""
    limit: int | None
    """Bytes."""


def log_options(query: Mapping[str, str], pod: Body) -> LogOptions:
    """Read the parameters and pick the container.

    Raises:
        ApiError: 400 for a container that does not exist or does not run yet, and for what this server
            does not have: times of lines, logs of earlier attempts.
    """
    for name in _REFUSED:
        if query.get(name) not in (None, "", "false", "False"):
            raise bad_request(f"{name} is not supported: container logs are kept without times")
    container = _container(query.get("container", ""), pod)
    if flag(query, "previous"):
        raise bad_request(f'previous terminated container "{container}" in pod "{_name(pod)}" not found')
    return LogOptions(
        container,
        flag(query, "follow"),
        _number(query, "tailLines"),
        _number(query, "limitBytes"),
    )


def _name(pod: Body) -> str:
    return str(pod["metadata"]["name"])


def _container(wanted: str, pod: Body) -> str:
    spec = pod["spec"]
    names = [each["name"] for each in (*spec["containers"], *(spec.get("initContainers") or ()))]
    if not wanted and len(spec["containers"]) > 1:
        raise bad_request(
            f"a container name must be specified for pod {_name(pod)}, choose one of: [{' '.join(names)}]"
        )
    wanted = wanted or names[0]
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {_name(pod)}")
    return wanted


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise bad_request(f'{name}: Invalid value: "{text}": must be a number that is not negative')
    return int(text)


def check_started(pod: Body, options: LogOptions) -> None:
    """Refuse the log of a container that has never run.

    Raises:
        ApiError: 400 with the reason why it waits.
    """
    state = _state(pod, options.container)
    if state.keys() & {"running", "terminated"}:
        return
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason") or "ContainerCreating"
    text = f'container "{options.container}" in pod "{_name(pod)}" is waiting to start: {reason}'
    if reason in ("ErrImagePull", "ImagePullBackOff"):
        text = (
            f'container "{options.container}" in pod "{_name(pod)}" is waiting to start: '
            "trying and failing to pull image"
        )
    raise ApiError(400, "BadRequest", text)


def _status(pod: Body, container: str) -> dict[str, Any]:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses"):
        for each in status.get(field) or ():
            if each.get("name") == container:
                return dict(each)
    return {}


def _state(pod: Body, container: str) -> dict[str, Any]:
    status = _status(pod, container)
    state = dict(status.get("state") or {})
    if "waiting" in state and (status.get("lastState") or {}).get("terminated"):
        # It ran before and will again: there is a log.
        return dict(status["lastState"])
    return state


def has_ended(pod: Body | None, container: str) -> bool:
    """Whether the run of the container is over: what is in the file now is all of it."""
    return pod is None or "running" not in (_status(pod, container).get("state") or {})


async def stream(path: Path, options: LogOptions, current: Callable[[], Body | None]) -> AsyncIterator[bytes]:
    """The log, in blocks.

    Args:
        path: The file; it may not exist yet.
        options: The parameters of the request.
        current: Gives the pod as it is now, or None if it is gone.
    """
    left = options.limit if options.limit is not None else float("inf")
    position = _start(path, options.tail)
    while left > 0:
        # Asked before reading: what was written before the end is read after it was seen.
        ended = has_ended(current(), options.container)
        block = _read(path, position, int(min(left, _BLOCK)))
        if block:
            position += len(block)
            left -= len(block)
            yield block
        elif ended or not options.follow:
            return
        else:
            yield b""
            await asyncio.sleep(_LOOK_SECONDS)


def _read(path: Path, position: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read(size)
    except FileNotFoundError:
        return b""


def _start(path: Path, tail: int | None) -> int:
    """Where the last ``tail`` lines begin."""
    if tail is None or not path.is_file():
        return 0
    with path.open("rb") as file:
        position = file.seek(0, 2)
        if tail == 0:
            return position
        # The newline at the very end closes the last line and starts none.
        position, missing = max(0, position - 1), tail
        while position > 0:
            begin = max(0, position - _BLOCK)
            file.seek(begin)
            block = file.read(position - begin)
            cut = len(block)
            while (cut := block.rfind(b"\n", 0, cut)) >= 0:
                missing -= 1
                if missing == 0:
                    return begin + cut + 1
            position = begin
    return 0
