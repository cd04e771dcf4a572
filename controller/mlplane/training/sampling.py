"""What ``training.loader`` gives: which rows come in which batch, and the DataLoader around that.

Imports torch; so it is imported when a loader is made, by ``training.batches``.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch.utils import data

from mlplane.errors import InvalidInput
from mlplane.training.context import current_script
from mlplane.training.distributed import ranks

Batch = dict[str, torch.Tensor]


class Rows(data.Dataset[Batch]):
    """Tensors of one length; several rows are taken at once."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len(set(lengths.values())) != 1:
            found = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "no tensor"
            raise InvalidInput(f"loader(…) needs tensors with the same number of rows; it has {found}")
        self._tensors = dict(tensors)

    @property
    def is_on_gpu(self) -> bool:
        """Whether any of them is; such tensors cannot be pinned, and need not be."""
        return any(tensor.device.type != "cpu" for tensor in self._tensors.values())

    def __len__(self) -> int:
        return len(next(iter(self._tensors.values())))

    def __getitem__(self, index: int) -> Batch:
        return {name: tensor[index] for name, tensor in self._tensors.items()}

    def __getitems__(self, indices: list[int]) -> Batch:
        """A whole batch; torch asks for it in this way, and collates nothing then."""
        chosen = torch.tensor(indices, dtype=torch.int64)
        return {name: tensor[chosen] for name, tensor in self._tensors.items()}


class Batches(data.Sampler[list[int]]):
    """The rows of each batch of an epoch; of those, the ones that this process is to read."""

    def __init__(self, rows: int, size: int, *, shuffle: bool, drop_last: bool) -> None:
        self.number = 0
        self._ranks = ranks()
        self._size, self._shuffle = size, shuffle
        self._rows, self._used = rows, rows - rows % size if drop_last else rows
        self._check()

    def __len__(self) -> int:
        return math.ceil(self._used / self._size)

    def __iter__(self) -> Iterator[list[int]]:
        # Drawn now, for the number of the epoch may change before the first batch is asked for.
        order = self._order()
        ends = [min(start + self._size, self._used) for start in range(0, self._used, self._size)]
        first, step = self._ranks.rank, self._ranks.size
        return (order[index * self._size + first : end : step].tolist() for index, end in enumerate(ends))

    def seed(self, *salt: int) -> int:
        """A seed for the epoch, by the seed of the run."""
        run = current_script()
        text = repr((run.seed if run else torch.initial_seed(), self.number, *salt))
        # Mixed, for torch's generator of the CPU looks at the lower 32 bits alone.
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])

    def _order(self) -> torch.Tensor:
        if not self._shuffle:
            return torch.arange(self._rows)
        return torch.randperm(self._rows, generator=torch.Generator().manual_seed(self.seed()))

    def _check(self) -> None:
        """No process may be left without rows while the others wait for it."""
        if self._used == 0:
            raise InvalidInput(
                f"loader(…) has {self._rows} rows, and no batch of {self._size} among them; "
                "allowed: fewer rows in a batch, or drop_last=False where there are any"
            )
        smallest = self._used % self._size or self._size
        if smallest < self._ranks.size:
            raise InvalidInput(
                f"loader(…) would have a batch of {smallest} rows for {self._ranks.size} processes; "
                "allowed: another batch_size, or drop_last=True if it is the last batch"
            )


class Loader(data.DataLoader[Any]):
    """A DataLoader whose epochs are numbered."""

    batch_sampler: Batches

    def __init__(self, rows: Any, batch_size: int, *, shuffle: bool, workers: int, drop_last: bool) -> None:
        if batch_size < 1:
            raise InvalidInput(f"loader(…, batch_size={batch_size}): expected at least 1")
        dataset = Rows(rows) if isinstance(rows, Mapping) else rows
        if workers and isinstance(dataset, Rows) and dataset.is_on_gpu:
            raise InvalidInput(
                f"loader(…, workers={workers}) has tensors on a GPU, which other processes cannot read; "
                "allowed: workers=0, or tensors on the CPU"
            )
        super().__init__(
            dataset,
            batch_sampler=Batches(len(dataset), batch_size, shuffle=shuffle, drop_last=drop_last),
            num_workers=workers,
            collate_fn=_as_it_is if isinstance(dataset, Rows) else None,
            # Of its own, so that reading takes nothing from the random numbers of the training.
            generator=torch.Generator(),
            pin_memory=torch.cuda.is_available() and not (isinstance(dataset, Rows) and dataset.is_on_gpu),
        )

    def epoch(self, number: int) -> "Loader":
        """The batches of this epoch, from 0; without it, one epoch follows on the other from 0."""
        self.batch_sampler.number = number
        return self

    def __iter__(self) -> Any:
        # Readers of different processes draw different random numbers, if they draw any.
        cast("torch.Generator", self.generator).manual_seed(self.batch_sampler.seed(ranks().rank))
        batches = super().__iter__()
        self.batch_sampler.number += 1
        return batches


def _as_it_is(batch: Sequence[Any]) -> Any:
    return batch
