"""Rules that each record obeys or breaks by itself, as SQL; all of them are looked at in one pass.

They come from the columns' own bounds and from the checks ``nulls``, ``range``, ``enum`` and ``regex``. A
missing value breaks no rule but ``nulls``.

Called by ``data.checks``, after ``data.fitness`` has found that the checks fit the columns.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mlplane.api.datacheck import ROWS_SHOWN, Check
from mlplane.api.dataset import DataColumn
from mlplane.data.outcomes import Outcome, Subject, shown
from mlplane.data.query import ROW_NUMBER, broken_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NONE = Decimal(0)


@dataclass(frozen=True)
class Rule:
    """What must hold for each record."""

    subject: Subject
    broken: str
    """SQL that is true for a record that breaks it."""
    parameters: tuple[Any, ...] = ()
    """Values for its question marks."""
    max_share: Decimal | None = None
    """Share of the records that may break it; None where no record may."""


def bounds_of(columns: Iterable[DataColumn]) -> Iterator[Rule]:
    """The rules ``minimum`` and ``maximum`` of the columns themselves."""
    for column in columns:
        if column.minimum is not None:
            yield _range(Subject("minimum", column.name, ""), column, column.minimum, None)
        if column.maximum is not None:
            yield _range(Subject("maximum", column.name, ""), column, None, column.maximum)


def rule_of(check: Check, columns: Mapping[str, DataColumn]) -> Rule | None:
    """The rule of a check; None where it does not look at each record by itself in SQL."""
    if check.column is None:
        return None
    column = columns[check.column]
    subject = Subject(check.name, check.column, "", check.severity == "Warning")
    if check.nulls:
        return _nulls(subject, column, Decimal(check.nulls.max_share))
    if check.range:
        return _range(subject, column, check.range.min, check.range.max)
    if check.enum:
        return _enum(subject, column, check.enum.values)
    if check.regex:
        return _regex(subject, column, check.regex.pattern)
    return None


def outcomes_of(db: "DuckDBPyConnection", rules: Sequence[Rule], rows: int) -> list[Outcome]:
    """What each of the rules found, in their order.

    Args:
        db: A connection with the view ``records``.
        rules: The rules.
        rows: Number of records.
    """
    if not rules:
        return []
    tests = ", ".join(f"({rule.broken}) AS b{i}" for i, rule in enumerate(rules))
    counts = ", ".join(
        f"count(*) FILTER (WHERE b{i}), min(row, {ROWS_SHOWN}) FILTER (WHERE b{i})" for i in range(len(rules))
    )
    parameters = [value for rule in rules for value in rule.parameters]
    found = db.execute(
        f"SELECT {counts} FROM (SELECT {ROW_NUMBER} AS row, {tests} FROM records)", parameters
    ).fetchall()[0]
    pairs = zip(found[::2], found[1::2], strict=True)
    return [
        _outcome(rule, count, first or (), rows) for rule, (count, first) in zip(rules, pairs, strict=True)
    ]


def _outcome(rule: Rule, count: int, first: Sequence[int], rows: int) -> Outcome:
    if rule.max_share is None:
        return Outcome(count > 0, count, tuple(first))
    share = Decimal(count) / rows if rows else NONE
    return Outcome(share > rule.max_share, count, tuple(first), shown(share, rule.max_share))


def _nulls(subject: Subject, column: DataColumn, max_share: Decimal) -> Rule:
    allowed = f"at most {max_share:f} of the values missing" if max_share else "no value missing"
    missing = broken_in(column, lambda value: f"{value} IS NULL")
    return Rule(replace(subject, rule=allowed), missing, max_share=max_share)


def _range(subject: Subject, column: DataColumn, low: str | None, high: str | None) -> Rule:
    tests, phrases, parameters = list[str](), list[str](), list[float]()
    if low is not None:
        tests.append("{0} < ?")
        phrases.append(f"at least {low}")
        parameters.append(math.ceil(Decimal(low)) if column.type == "Integer" else float(low))
    if high is not None:
        tests.append("{0} > ?")
        phrases.append(f"at most {high}")
        parameters.append(math.floor(Decimal(high)) if column.type == "Integer" else float(high))
    broken = broken_in(column, lambda value: " OR ".join(tests).format(value))
    return Rule(replace(subject, rule=" and ".join(phrases)), broken, tuple(parameters))


def _enum(subject: Subject, column: DataColumn, values: Sequence[str]) -> Rule:
    rule = f"one of {len(values)} values" if len(values) > 1 else "one value"
    broken = broken_in(column, lambda value: f"NOT list_contains(?, {value}::VARCHAR)")
    return Rule(replace(subject, rule=rule), broken, (list(values),))


def _regex(subject: Subject, column: DataColumn, pattern: str) -> Rule:
    broken = broken_in(column, lambda value: f"NOT regexp_full_match({value}, ?)")
    return Rule(replace(subject, rule=f"matches {pattern}"), broken, (pattern,))
