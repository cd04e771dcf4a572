"""The GPUs of this machine, as ``nvidia-smi`` lists them. Called once by ``engines``."""

import logging
import subprocess

RESOURCE = "nvidia.com/gpu"
PATIENCE_S = 20
_ASK = ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader")

log = logging.getLogger(__name__)


def gpus_of_machine() -> tuple[str, ...]:
    """Their numbers, by which CUDA_VISIBLE_DEVICES names them; none where there is no such program."""
    try:
        done = subprocess.run(_ASK, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except FileNotFoundError:
        return ()
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("this machine's GPUs cannot be listed, so no pod gets one: %s", error)
        return ()
    return numbers_in(done.stdout) if done.returncode == 0 else ()


def numbers_in(listing: str) -> tuple[str, ...]:
    """The numbers in a listing; anything else in it, such as a complaint, is left out. Pure."""
    return tuple(line.strip() for line in listing.splitlines() if line.strip().isdecimal())
