"""The SDK of a user's script: data and parameters come from the run, the model goes to it.

    from mlplane import training

    params = training.params(epochs=30, lr=0.003)
    training.seed()
    train = training.dataset("train", manifest="dev/dataset.yaml").tensors()
    kept = training.checkpoints(model=model, optimizer=optimizer)
    for epoch in range(kept.done, params.epochs):
        ...
        training.metrics(step=epoch, loss=loss)
        training.progress(epoch + 1, params.epochs)
        kept.save(epoch + 1)
    training.save(model, sample={"pixels": train["pixels"][:4]}, outputs=["scores"])

The same script runs without mlplane: parameters have their defaults, the data are read from the working
tree, and nothing is saved. Importing this package imports neither torch nor numpy.
"""

from mlplane.training.checkpoints import Checkpoints, checkpoints
from mlplane.training.data import Dataset, dataset
from mlplane.training.export import save
from mlplane.training.parameters import params
from mlplane.training.seeding import seed
from mlplane.training.signals import metrics, progress
from mlplane.training.sources import output, source

__all__ = [
    "Checkpoints",
    "Dataset",
    "checkpoints",
    "dataset",
    "metrics",
    "output",
    "params",
    "progress",
    "save",
    "seed",
    "source",
]
