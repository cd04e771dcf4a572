"""The GPUs of this machine that the plane may use. Called once by ``engines``."""

import logging
import os
import subprocess
from itertools import takewhile

RESOURCE = "nvidia.com/gpu"
PATIENCE_S = 20
_ASK = ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader")

log = logging.getLogger(__name__)


def gpus_of_machine() -> tuple[str, ...]:
    """Those that ``nvidia-smi`` lists, under the names that CUDA_VISIBLE_DEVICES has for them.

    None where there is no such program. Where the plane itself is given only some of them, those.
    """
    try:
        done = subprocess.run(_ASK, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except FileNotFoundError:
        return ()
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("this machine's GPUs cannot be listed, so no pod gets one: %s", error)
        return ()
    listed = numbers_in(done.stdout) if done.returncode == 0 else ()
    return left_of(listed, os.environ.get("CUDA_VISIBLE_DEVICES"))


def numbers_in(listing: str) -> tuple[str, ...]:
    """The numbers in a listing; anything else in it, such as a complaint, is left out. Pure."""
    return tuple(line.strip() for line in listing.splitlines() if line.strip().isdecimal())


def left_of(listed: tuple[str, ...], visible: str | None) -> tuple[str, ...]:
    """What CUDA_VISIBLE_DEVICES leaves of the GPUs; as in CUDA, only what precedes a name that is none. Pure.

    https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars
    """
    if visible is None or not listed:
        return listed
    names = (name.strip() for name in visible.split(","))
    known = takewhile(lambda name: name in listed or name.startswith(("GPU-", "MIG-")), names)
    return tuple(dict.fromkeys(known))
