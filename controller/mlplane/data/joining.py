"""All splits of a version together, in one Parquet file: first the records of the first split.

Called by ``steps.transform``, whose scripts read a Dataset as a whole.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from mlplane.data.layout import split_file


def join_splits(directory: Path, splits: Sequence[str], target: Path) -> None:
    """Write the records of the splits to one file, a row group at a time.

    Args:
        directory: The files of the version.
        splits: Names of the splits, in the order in which they are to come.
        target: The file to write.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(pq.ParquetFile(directory / split_file(name))) for name in splits]
        schema = files[0].schema_arrow
        writer = stack.enter_context(pq.ParquetWriter(target, schema, compression="zstd"))
        for file in files:
            for group in range(file.num_row_groups):
                writer.write_table(file.read_row_group(group, use_threads=False))
