"""The Arrow types of columns, in memory and in the Parquet files of a version."""

from collections.abc import Sequence

import pyarrow as pa

from mlplane.api.dataset import DataColumn
from mlplane.data.staging import DIGEST, ROW, SPLIT

VALUE_TYPES: dict[str, pa.DataType] = {
    "Integer": pa.int64(),
    "Number": pa.float64(),
    "String": pa.large_utf8(),
    "Boolean": pa.bool_(),
    "Timestamp": pa.timestamp("us", tz="UTC"),
    "Binary": pa.large_binary(),
}
STAGING_FIELDS = (
    pa.field(ROW, pa.int64(), nullable=False),
    pa.field(SPLIT, pa.int8(), nullable=False),
    pa.field(DIGEST, pa.binary(32), nullable=False),
)


def schema_of(columns: Sequence[DataColumn]) -> pa.Schema:
    """The schema of the records of a dataset."""
    return pa.schema([pa.field(column.name, type_of(column)) for column in columns])


def type_of(column: DataColumn) -> pa.DataType:
    """The type of a column: of one value, or of a vector."""
    value = VALUE_TYPES[column.type]
    return value if column.width is None else pa.list_(value, column.width)
