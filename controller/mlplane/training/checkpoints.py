"""``training.checkpoints``: a training that was interrupted goes on where it was, with the same result.

A checkpoint holds the parts that the script names and the state of every random generator. The step ``train``
keeps the newest ones in the store; the script only ever sees a directory.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, cast, runtime_checkable

from mlplane.errors import InvalidInput, Terminal
from mlplane.training.context import current_run

INTERRUPTED = 75
"""Exit code of a script that was told to stop and has saved where it is (EX_TEMPFAIL of sysexits.h)."""
PATTERN = "step-*.pt"
_PARTS, _RANDOM, _DONE = "parts", "random", "done"


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
        run = current_run()
        self._folder = Path(run.checkpoints) if run and run.checkpoints else None
        self._every, self._parts = every, parts
        self._written = time.monotonic()
        self._told_to_stop = False
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
        if self._told_to_stop or time.monotonic() - self._written >= self._every:
            self._write(self._folder)
            self._written = time.monotonic()
        if self._told_to_stop:
            sys.stderr.write(f"told to stop: a checkpoint holds the {done} parts that are finished\n")
            sys.exit(INTERRUPTED)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True

    def _write(self, folder: Path) -> None:
        """Whole or not at all: whoever sees the file sees all of it."""
        import torch

        target = folder / f"step-{self.done:012d}.pt"
        partial = target.with_suffix(".partial")
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        with partial.open("wb") as stream:
            torch.save({_DONE: self.done, _PARTS: parts, _RANDOM: _random_state()}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)

    def _load(self) -> int:
        newest = max(self._folder.glob(PATTERN), default=None) if self._folder else None
        if newest is None:
            return 0
        import torch

        found = torch.load(newest, map_location="cpu", weights_only=True)
        if found[_PARTS].keys() != self._parts.keys():
            had, has = (", ".join(sorted(names)) or "none" for names in (found[_PARTS], self._parts))
            raise Terminal(f"the checkpoint holds the parts {had}; the script names {has}")
        for name, part in self._parts.items():
            part.load_state_dict(found[_PARTS][name])
        _set_random_state(found[_RANDOM])
        return int(found[_DONE])


def checkpoints(every: float = 60.0, /, **parts: Stateful) -> Checkpoints:
    """Go on from the newest checkpoint of this run, and write new ones.

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
    """
    for name, part in parts.items():
        if not isinstance(part, Stateful):
            raise InvalidInput(
                f"checkpoints({name}=…) is a {type(part).__name__}: it has no state_dict and load_state_dict"
            )
    return Checkpoints(every, parts)


def _random_state() -> dict[str, Any]:
    import numpy as np
    import torch

    version, numbers, gauss = random.getstate()
    name, keys, *rest = cast("tuple[str, Any, int, int, float]", np.random.get_state(legacy=True))
    return {
        "python": (version, list(numbers), gauss),
        "numpy": (name, torch.tensor(keys.tolist(), dtype=torch.int64), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_state(state: dict[str, Any]) -> None:
    import numpy as np
    import torch

    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])
