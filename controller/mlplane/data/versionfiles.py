"""The files of a dataset version: a Parquet file for each split. The same records make the same bytes.

Called by ``steps.ingest`` and ``training.outside``.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlplane.api.dataset import DataColumn, DatasetSpec, Split
from mlplane.data.arrowtypes import schema_of
from mlplane.data.digests import begun_digest
from mlplane.data.layout import split_file
from mlplane.data.staging import DIGEST, SPLIT, Staged

GROUP_ROWS = 65536
GROUP_BYTES = 32 << 20
"""A row group is written when it has so many rows or bytes, whichever comes first."""


def write_splits(
    staged: Staged, spec: DatasetSpec, directory: Path, only: Collection[str] | None = None
) -> tuple[Split, ...]:
    """Write the file of each split.

    Args:
        staged: Records without findings.
        spec: The splits.
        directory: Where to.
        only: Names of the splits to write; all, if not given.

    Returns:
        The splits that were written, in the order of the spec.
    """
    wanted = [(i, s.name) for i, s in enumerate(spec.splits) if only is None or s.name in only]
    with ExitStack() as stack, pq.ParquetFile(staged.path) as file:
        parts = {i: _Part(stack, directory / split_file(name), staged.columns) for i, name in wanted}
        for group in range(file.num_row_groups):
            records = file.read_row_group(group, use_threads=False).combine_chunks()
            for index, part in parts.items():
                part.add(records.filter(pc.equal(records.column(SPLIT), index)))
        return tuple(parts[index].finished(name) for index, name in wanted)


class _Part:
    """A split that is being written."""

    def __init__(self, stack: ExitStack, path: Path, columns: Sequence[DataColumn]) -> None:
        self._schema = schema_of(columns)
        self._writer = stack.enter_context(pq.ParquetWriter(path, self._schema, compression="zstd"))
        self._digest = begun_digest(columns)
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def add(self, records: pa.Table) -> None:
        """Add staged records."""
        for digest in records.column(DIGEST).to_numpy():
            self._digest.update(digest)
        self._rows += records.num_rows
        self._waiting.append(records.select(self._schema.names))
        waiting = sum(table.num_rows for table in self._waiting)
        if waiting >= GROUP_ROWS or sum(table.nbytes for table in self._waiting) > GROUP_BYTES:
            self._write()

    def finished(self, name: str) -> Split:
        """Write the rest, and tell what the split is."""
        self._write()
        return Split(name=name, digest=f"sha256:{self._digest.hexdigest()}", rows=self._rows)

    def _write(self) -> None:
        records = pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
        if records.num_rows:
            self._writer.write_table(records.combine_chunks())
        self._waiting = []
