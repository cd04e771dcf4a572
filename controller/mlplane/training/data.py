"""``training.dataset``: the rows of a split, as a file, as a table, as arrays, or as tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.api.dataset import DataColumn
from mlplane.data.layout import split_file
from mlplane.errors import InvalidInput
from mlplane.training.context import RunContext, current_run
from mlplane.training.tables import Arrays, read_arrays, read_table

if TYPE_CHECKING:
    import pyarrow
    import torch


@dataclass(frozen=True)
class Dataset:
    """A split of a dataset."""

    path: Path
    """A Parquet file with these columns; a vector is a list of fixed length."""
    rows: int
    columns: tuple[DataColumn, ...]

    def table(self) -> "pyarrow.Table":
        """An Arrow table; ``table().to_pandas()`` makes a data frame of it."""
        return read_table(self.path, self.columns)

    def arrays(self) -> Arrays:
        """A numpy array for each column, by its name.

        Integer is int64, Number float32, Boolean bool, a vector float32 ``[rows, width]``. Where values may
        be missing, Integer is float64 and Boolean float32, with NaN. String and Binary are objects,
        Timestamp is ``datetime64[us]`` in UTC.
        """
        return read_arrays(self.path, self.columns)

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """A torch tensor for each column of numbers or flags, of the same types as ``arrays``."""
        import torch

        return {
            name: torch.from_numpy(array)
            for name, array in self.arrays().items()
            if array.dtype.kind in "bif"
        }


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
    return Dataset(Path(run.folder) / split_file(split), run.splits[split], run.columns)


def _refusal(run: RunContext, split: str) -> str:
    allowed = f"a script may read {', '.join(run.splits)}"
    if split == run.withheld:
        return f"split {split!r} of dataset {run.dataset} is what the model will be judged on; {allowed}"
    return f"dataset {run.dataset} has no split {split!r}; {allowed}"
