"""``training.checkpoints``: a training that was interrupted goes on where it was, with the same result.

A checkpoint holds the parts that the script names, the state of every random generator, and the metrics up
to then. The step ``train`` keeps the newest ones in the store; the script only ever sees a directory. Of
processes that train together, the first writes it, with the random state of each; they agree on when.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, runtime_checkable

from mlplane.errors import InvalidInput, Terminal
from mlplane.training.context import current_run
from mlplane.training.distributed import agreed, distributed, gathered, ranks, together
from mlplane.training.randomstate import random_state, set_random_state
from mlplane.training.signals import said, say_again

INTERRUPTED = 75
"""Exit code of a script that was told to stop and has saved where it is (EX_TEMPFAIL of sysexits.h)."""
PATTERN = "step-*.pt"
_PARTS, _RANDOM, _DONE, _SAID = "parts", "random", "done", "metrics"


@runtime_checkable
class Stateful(Protocol):
    """A model, an optimiser, a scheduler, a gradient scaler: whatever torch can save and load."""

    def state_dict(self) -> dict[str, Any]:
        """What it is now."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Be that again."""


class Checkpoints:
    """Where a training is, and what it needs to go on from there."""

    done: int
    """Number of finished parts, such as epochs: 0 at the start, or what the newest checkpoint says."""

    def __init__(self, every: float, parts: dict[str, Stateful]) -> None:
        distributed()
        run = current_run()
        self._folder = Path(run.checkpoints) if run and run.checkpoints else None
        self._every, self._parts = every, parts
        self._written = time.monotonic()
        self._told_to_stop = False
        self._is_compared = False
        self.done = self._load()
        if self._folder is not None:
            signal.signal(signal.SIGTERM, self._stop)

    def save(self, done: int) -> None:
        """Say that so many parts are finished; writes a checkpoint if the last one is old enough.

        A script that was told to stop writes one now, and ends here. Outside of mlplane nothing is written.

        Raises:
            ValueError: fewer parts are finished than before.
        """
        if done < self.done:
            raise ValueError(f"checkpoint {done}: {self.done} parts were finished before")
        self.done = done
        if self._folder is None:
            return
        if not self._is_compared:
            self._check_equal()
        is_due = time.monotonic() - self._written >= self._every
        is_to_stop, is_due = agreed(self._told_to_stop, is_due and ranks().is_main)
        if is_to_stop or is_due:
            self._write(self._folder)
            self._written = time.monotonic()
        if is_to_stop:
            together()  # nobody ends before the checkpoint is written: torchrun would end the others
            sys.stderr.write(f"told to stop: a checkpoint holds the {done} parts that are finished\n")
            sys.exit(INTERRUPTED)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True

    def _check_equal(self) -> None:
        """Without averaged gradients each process learns from a part of the rows, and one would be kept."""
        self._is_compared = True
        if ranks().size == 1:
            return
        of_each = gathered({name: sum_of_weights(part) for name, part in self._parts.items()})
        if odd := [name for name in of_each[0] if any(sums[name] != of_each[0][name] for sums in of_each)]:
            raise Terminal(
                f"the {len(of_each)} processes hold different weights of {', '.join(odd)}: wrap the model in "
                "torch.nn.parallel.DistributedDataParallel, or write spec.processes: 1"
            )

    def _write(self, folder: Path) -> None:
        """Whole or not at all: whoever sees the file sees all of it."""
        import torch

        self._check_equal()
        states = gathered(random_state())
        if not ranks().is_main:
            return
        target = folder / f"step-{self.done:012d}.pt"
        partial = target.with_suffix(".partial")
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        with partial.open("wb") as stream:
            torch.save({_DONE: self.done, _PARTS: parts, _RANDOM: states, _SAID: said()}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)

    def _load(self) -> int:
        newest = max(self._folder.glob(PATTERN), default=None) if self._folder else None
        if newest is None:
            return 0
        import torch

        found = torch.load(newest, map_location="cpu", weights_only=True, mmap=True)
        if found[_PARTS].keys() != self._parts.keys():
            had, has = (", ".join(sorted(names)) or "none" for names in (found[_PARTS], self._parts))
            raise Terminal(f"the checkpoint holds the parts {had}; the script names {has}")
        if (count := len(found[_RANDOM])) != ranks().size:
            raise Terminal(f"the checkpoint is of {count} processes; this script has {ranks().size}")
        for name, part in self._parts.items():
            part.load_state_dict(found[_PARTS][name])
        set_random_state(found[_RANDOM][ranks().rank])
        if ranks().is_main:
            say_again(found[_SAID])
        return int(found[_DONE])


def sum_of_weights(part: Any) -> str:
    """What tells two states of a model apart; empty for a part that is none. Text, for NaN equals nothing."""
    import torch

    if not isinstance(part, torch.nn.Module):
        return ""
    return repr([float(weight.detach().sum(dtype=torch.float64)) for weight in part.parameters()])


def checkpoints(every: float = 60.0, /, **parts: Stateful) -> Checkpoints:
    """Go on from the newest checkpoint of this run, and write new ones; joins processes that train together.

        kept = training.checkpoints(model=model, optimizer=optimizer)
        for epoch in range(kept.done, params.epochs):
            ...
            kept.save(epoch + 1)

    Args:
        every: Seconds between two checkpoints; at most so much is computed again after a loss. 0: each time.
        **parts: What changes while the script trains: anything with ``state_dict`` and ``load_state_dict``.

    Raises:
        InvalidInput: a part has no state.
        Terminal: the newest checkpoint holds other parts.

    Its ``save`` also raises Terminal where several processes hold different models.
    """
    for name, part in parts.items():
        if not isinstance(part, Stateful):
            raise InvalidInput(
                f"checkpoints({name}=…) is a {type(part).__name__}: it has no state_dict and load_state_dict"
            )
    return Checkpoints(every, parts)
