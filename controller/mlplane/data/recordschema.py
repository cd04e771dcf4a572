"""Records as JSON objects, judged by a JSON Schema of the user's.

A missing value is left out of the object, so ``required`` speaks of it. A Timestamp is a text such as
``2026-01-31T12:00:00.000000Z``, a Binary is base64, a vector is an array.

Called by ``data.checks``. The schema comes from a manifest: it may refer to nothing outside of itself, repeat
itself by no alias of YAML, and its patterns are matched in linear time.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml

from mlplane.api.datacheck import ROWS_SHOWN
from mlplane.api.dataset import DataColumn
from mlplane.data.outcomes import Outcome
from mlplane.data.query import ROW_NUMBER, number_of, quoted
from mlplane.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from jsonschema_rs import Draft202012Validator

BATCH = 8192
"""Records that are objects at a time."""
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def validator_of(text: str, field: str) -> "Draft202012Validator":
    """The validator of a JSON Schema.

    Args:
        text: JSON or YAML.
        field: Path of the field that holds it, for messages.

    Raises:
        InvalidInput: it is no JSON Schema (draft 2020-12), or it refers to something outside of itself.
    """
    import jsonschema_rs

    schema = _parsed(text, field)
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, offline=True, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        reason = " ".join(str(getattr(error, "message", error)).split())[:300]
        raise InvalidInput(
            f"{field}: not a JSON Schema (draft 2020-12) that stands for itself: {reason}; "
            "correct it, and refer only to parts of it, such as #/$defs/name"
        ) from error


def invalid(
    db: "DuckDBPyConnection", columns: Sequence[DataColumn], validator: "Draft202012Validator"
) -> Outcome:
    """Records that are not valid.

    Args:
        db: A connection with the view ``records``.
        columns: The columns of a record.
        validator: What ``validator_of`` made.
    """
    names = [column.name for column in columns]
    values = ", ".join(f"{_json_value(column)} AS {quoted(column.name)}" for column in columns)
    reader = db.sql(f"SELECT {ROW_NUMBER}, {values} FROM records").to_arrow_reader(BATCH)
    count, first = 0, list[int]()
    for batch in reader:
        rows = batch.column(0)
        for index, record in enumerate(_objects(batch, names)):
            if not validator.is_valid(record):
                count += 1
                if len(first) < ROWS_SHOWN:
                    first.append(rows[index].as_py())
    return Outcome(count > 0, count, tuple(first))


def _parsed(text: str, field: str) -> Any:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise InvalidInput(
                f"{field}: found a YAML alias (*name); write the part out, or use $ref and $defs"
            )
        schema = yaml.safe_load(text)
        json.dumps(schema, allow_nan=False)
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise InvalidInput(f"{field}: neither JSON nor YAML: {_first_line(error)}") from error
    if not isinstance(schema, dict | bool):
        raise InvalidInput(f"{field}: a JSON Schema is an object, not {type(schema).__name__}")
    return schema


def _first_line(error: Exception) -> str:
    problem = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    return f"{problem.splitlines()[0]}" + (f" (line {mark.line + 1})" if mark else "")


def _json_value(column: DataColumn) -> str:
    """SQL of a column's value as JSON has it."""
    name = quoted(column.name)
    if column.width is None:
        return _json_scalar(column, name)
    if column.type in ("Number", "Timestamp", "Binary"):
        return f"list_transform({name}, lambda v: {_json_scalar(column, 'v')})"
    return name


def _json_scalar(column: DataColumn, value: str) -> str:
    if column.type == "Timestamp":
        return f"strftime({value}, '{_TIME}')"
    return f"base64({value})" if column.type == "Binary" else number_of(column, value)


def _objects(batch: "pa.RecordBatch", names: Sequence[str]) -> list[dict[str, Any]]:
    """The records of a batch, which has the row number in front, without what is missing."""
    columns = dict(zip(names, batch.columns[1:], strict=True))
    rows = zip(*(array.to_pylist() for array in columns.values()), strict=True)
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    for name, array in columns.items():
        if array.null_count:
            for index in array.is_null().to_numpy(zero_copy_only=False).nonzero()[0]:
                del records[index][name]
    return records
