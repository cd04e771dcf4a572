"""``training.distributed``: processes on one machine that train together, as torchrun starts them.

What a process is follows from torchrun's variables, so that nothing here needs torch before it is used. In a
script of one process everything here is there too, and does nothing.
"""

import atexit
import os
import sys
from dataclasses import dataclass
from typing import Any

from mlplane.training.devices import device
from mlplane.training.endings import tell_endings

RANK_ENV, SIZE_ENV = "RANK", "WORLD_SIZE"
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}


@dataclass(frozen=True)
class Ranks:
    """Which process this is, and of how many."""

    rank: int
    """From 0."""
    size: int

    @property
    def is_main(self) -> bool:
        """Whether it is the one that prints and saves."""
        return self.rank == 0


def distributed() -> Ranks:
    """Join the other processes of this script; torch's functions and ``DistributedDataParallel`` work then.

        ranks = training.distributed()
        model = Model().to(training.device())
        if ranks.size > 1:
            model = torch.nn.parallel.DistributedDataParallel(model)

    Tensors on the CPU go through gloo, those on GPUs through NCCL; through gloo, too, where there are fewer
    GPUs than processes. A script of one process joins nobody.
    """
    found = ranks()
    if found.size > 1:
        _join()
    return found


def ranks() -> Ranks:
    """The same, without joining them."""
    return Ranks(int(os.environ.get(RANK_ENV, "0")), int(os.environ.get(SIZE_ENV, "1")))


def agreed(*flags: bool) -> list[bool]:
    """For each flag, whether it is set in any of the processes. All of them have to ask, and wait here."""
    if ranks().size == 1:
        return list(flags)
    import torch
    from torch import distributed as group

    where = "cuda" if group.get_backend() == "nccl" else "cpu"
    votes = torch.tensor(flags, dtype=torch.int32, device=where)
    group.all_reduce(votes, group.ReduceOp.MAX)
    return [bool(vote) for vote in votes.tolist()]


def together() -> None:
    """Wait until all processes have come here."""
    agreed(*[False])


def gathered(value: Any) -> list[Any]:
    """The values of all processes, by rank. All of them have to give one, and wait here."""
    if ranks().size == 1:
        return [value]
    from torch import distributed as group

    values: list[Any] = [None] * ranks().size
    group.all_gather_object(values, value)
    return values


def _join() -> None:
    """Once; a script may have done it by itself."""
    import torch
    from torch import distributed as group

    own = device()
    if own.type == "cuda":
        # Also where the script has joined by itself: random states and votes are those of this GPU.
        torch.cuda.set_device(own)
    if group.is_initialized():
        return
    # They are on one machine, whose name need not lead to it.
    if interface := _LOOPBACK.get(sys.platform):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
    if own.type == "cuda" and torch.cuda.device_count() >= ranks().size:
        group.init_process_group("cpu:gloo,cuda:nccl")
    else:
        group.init_process_group("gloo")
    tell_endings()
    atexit.register(_leave)


def _leave() -> None:
    """Leave the others at the end: the threads of gloo abort a process that ends with them at work.

    Not after an error, where others may never answer.
    """
    from torch import distributed as group

    if group.is_initialized() and getattr(sys, "last_value", None) is None:
        group.destroy_process_group()
