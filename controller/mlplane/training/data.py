"""``training.dataset``: the rows of a split, as a file, as arrays, or as tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.api.dataset import DataColumn
from mlplane.errors import InvalidInput
from mlplane.training.context import RunContext, current_run
from mlplane.training.tables import Arrays, read_arrays

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Dataset:
    """A split of a dataset."""

    path: Path
    """A CSV with a header: the names of the columns, ``name_0``, ``name_1``, … for those of a vector."""
    rows: int
    columns: tuple[DataColumn, ...]

    def arrays(self) -> Arrays:
        """A numpy array for each column: int64 or float32, vectors as ``[rows, width]`` float32."""
        return read_arrays(self.path, self.columns)

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """A torch tensor for each column, of the same types as ``arrays``."""
        import torch

        return {name: torch.from_numpy(array) for name, array in self.arrays().items()}


def dataset(split: str, manifest: str | Path | None = None) -> Dataset:
    """The rows of a split.

    Args:
        split: Name of the split, such as ``train``.
        manifest: For use outside of mlplane: the file of the Dataset, such as ``dev/dataset.yaml``, looked
            for in the current directory, the script's, and those above. ``MLPLANE_DATASET`` replaces it.

    Raises:
        InvalidInput: there is no such split, or the script may not read it.
    """
    run = current_run()
    if run is None:
        from mlplane.training.outside import dataset_outside

        path, rows, columns = dataset_outside(split, manifest)
        return Dataset(path, rows, columns)
    if split not in run.splits:
        raise InvalidInput(_refusal(run, split))
    return Dataset(Path(run.folder) / f"{split}.csv", run.splits[split], run.columns)


def _refusal(run: RunContext, split: str) -> str:
    allowed = f"a script may read {', '.join(run.splits)}"
    if split == run.withheld:
        return f"split {split!r} of dataset {run.dataset} is what the model will be judged on; {allowed}"
    return f"dataset {run.dataset} has no split {split!r}; {allowed}"
