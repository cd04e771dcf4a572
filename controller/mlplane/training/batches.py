"""``training.loader``: the rows of a run in batches, in an order that follows from seed and epoch alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlplane.training.data import Dataset

if TYPE_CHECKING:
    import torch

    from mlplane.training.sampling import Loader


def loader(
    data: "Dataset | Mapping[str, torch.Tensor] | torch.utils.data.Dataset[Any]",
    batch_size: int,
    *,
    shuffle: bool = True,
    workers: int = 0,
    drop_last: bool = False,
) -> "Loader":
    """A torch ``DataLoader`` that gives the same batches again, also after a checkpoint.

        batches = training.loader(data, 32)
        for epoch in range(kept.done, params.epochs):
            for batch in batches.epoch(epoch):
                loss = loss_of(model(batch["pixels"]), batch["label"])

    Under torchrun, each process gets its own part of each batch, and together they get every row once.

    Args:
        data: A split, its tensors by name, or a Dataset of torch with a length. Of tensors, a batch is a dict
            with some rows of each; of a Dataset of torch, what torch makes of its items.
        batch_size: Rows of a batch; under torchrun those of all processes together, so that more processes
            do not change what is learnt (choose a multiple of their number, so that all parts are as large).
        shuffle: Another order in each epoch, by the seed of the run; outside of mlplane, by torch's own seed.
        workers: Processes that read ahead; 0: rows are read when they are asked for. Worth it where a row
            costs something to make: of tensors that are in memory, 0 is faster.
        drop_last: Leave out the rows at the end of an epoch that do not fill a batch. Without it the last
            batch is smaller.

    Raises:
        InvalidInput: the tensors differ in length, there is no whole batch, or a batch cannot be shared out
            among the processes.
    """
    from mlplane.training.sampling import Loader

    rows = data.tensors() if isinstance(data, Dataset) else data
    return Loader(rows, batch_size, shuffle=shuffle, workers=workers, drop_last=drop_last)
