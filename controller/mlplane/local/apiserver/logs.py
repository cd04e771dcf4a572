"""``GET pods/NAME/log``: the file that the node writes for a container, as a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from mlplane.local.apiserver.logoptions import LogOptions, has_ended
from mlplane.local.apiserver.statuses import Body
from mlplane.local.podfolder import PodFolder

_LOOK_SECONDS = 0.1
_BLOCK = 64 * 2**10


def file_of(pods: Path, pod: Body, options: LogOptions) -> Path:
    """The file that the node writes the log to; it may not exist yet."""
    folder = PodFolder(pods / pod["metadata"]["uid"])
    return folder.previous_log(options.container) if options.previous else folder.log(options.container)


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
        ended = options.previous or has_ended(current(), options.container)
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
