"""The SDK of a user's script: data and parameters come from the run, the model goes to it.

    from mlplane import training

    params = training.params(epochs=30, lr=0.003)
    training.seed()
    device = training.device()
    train = training.dataset("train", manifest="dev/dataset.yaml").tensors()
    batches = training.loader(train, 32)
    kept = training.checkpoints(model=model, optimizer=optimizer)
    for epoch in range(kept.done, params.epochs):
        for batch in batches.epoch(epoch):
            with training.autocast():
                ...
        training.metrics(step=epoch, loss=loss)
        training.progress(epoch + 1, params.epochs)
        kept.save(epoch + 1)
    training.save(model, sample={"pixels": train["pixels"][:4]}, outputs=["scores"])

The same script runs without mlplane: parameters have their defaults, the data are read from the working
tree, and nothing is saved. Importing this package imports neither torch nor numpy.
"""

from mlplane.training.batches import loader
from mlplane.training.checkpoints import Checkpoints, checkpoints
from mlplane.training.data import Dataset, dataset
from mlplane.training.devices import autocast, device
from mlplane.training.distributed import Ranks, distributed
from mlplane.training.export import save
from mlplane.training.parameters import params
from mlplane.training.seeding import seed
from mlplane.training.signals import metrics, progress
from mlplane.training.sources import output, source

__all__ = [
    "Checkpoints",
    "Dataset",
    "Ranks",
    "autocast",
    "checkpoints",
    "dataset",
    "device",
    "distributed",
    "loader",
    "metrics",
    "output",
    "params",
    "progress",
    "save",
    "seed",
    "source",
]
