"""All checks of a dataset: the columns' own rules, and those of ``spec.checks``.

``plan_checks`` looks for what is wrong with the checks themselves, before anything is read; ``run_checks``
looks at the records. Results hold counts and row numbers, never values.

Called by ``steps.ingest``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.api.datacheck import Check, CheckResult, DistributionCheck
from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import PinnedRef
from mlplane.data.distribution import distance
from mlplane.data.fitness import require_fitting
from mlplane.data.outcomes import Outcome, Subject, reported, result_of
from mlplane.data.profiles import ColumnProfile, Profile
from mlplane.data.query import records_in
from mlplane.data.recordschema import invalid, validator_of
from mlplane.data.rules import bounds_of, outcomes_of, rule_of
from mlplane.data.staging import Finding, Staged
from mlplane.data.unique import repeated
from mlplane.data.wholes import age, number_of_rows, phrase_of_rows
from mlplane.errors import InvalidInput, Terminal, Transient

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from jsonschema_rs import Draft202012Validator


@dataclass(frozen=True)
class CheckPlan:
    """Checks that can be made."""

    columns: Mapping[str, DataColumn]
    checks: tuple[Check, ...]
    baselines: Mapping[str, ColumnProfile]
    """For each check ``distribution``, by its name: the column in the version that it compares with."""
    validators: Mapping[str, "Draft202012Validator"]
    """For each check ``record``, by its name."""


def plan_checks(
    columns: Sequence[DataColumn], checks: Sequence[Check], profile: Callable[[PinnedRef], Profile]
) -> CheckPlan:
    """Prepare the checks of a dataset.

    Args:
        columns: The columns of a record.
        checks: ``spec.checks``.
        profile: Reads the profile of a version; ``data.profiles.read_profile`` with a store.

    Raises:
        InvalidInput: a check does not fit the columns, or cannot be made at all; names its field.
        Transient: the store failed.
    """
    require_fitting(columns, checks)
    known = {column.name: column for column in columns}
    fields = {check.name: f"spec.checks[{index}]" for index, check in enumerate(checks)}
    for check in checks:
        if check.regex:
            _require_pattern(check.regex.pattern, f"{fields[check.name]}.regex.pattern")
    return CheckPlan(
        columns=known,
        checks=tuple(checks),
        baselines={
            check.name: _baseline(check.distribution, known[check.column], profile, fields[check.name])
            for check in checks
            if check.distribution and check.column
        },
        validators={
            check.name: validator_of(check.record.json_schema, f"{fields[check.name]}.record.jsonSchema")
            for check in checks
            if check.record
        },
    )


def run_checks(plan: CheckPlan, staged: Staged, now: datetime, spill: Path) -> tuple[CheckResult, ...]:
    """Look at all records.

    Args:
        plan: What ``plan_checks`` made.
        staged: The records, and what reading them has found.
        now: The time that ``freshness`` is measured against, with a time zone.
        spill: Folder for what does not fit into memory.

    Returns:
        What broke a rule of the columns, and one result for each check; those that failed first.
    """
    rules = {check.name: rule for check in plan.checks if (rule := rule_of(check, plan.columns))}
    bounds = tuple(bounds_of(plan.columns.values()))
    results = [_of_reading(finding) for finding in staged.findings]
    with records_in(staged.path, spill) as db:
        outcomes = outcomes_of(db, (*bounds, *rules.values()), staged.rows)
        results += [
            result_of(rule.subject, outcome)
            for rule, outcome in zip(bounds, outcomes, strict=False)
            if outcome.failed
        ]
        known = dict(zip(rules, outcomes[len(bounds) :], strict=True))
        for check in plan.checks:
            if check.name in known:
                results.append(result_of(rules[check.name].subject, known[check.name]))
            else:
                column, phrase, outcome = _look(db, plan, check, staged.rows, now)
                subject = Subject(check.name, column, phrase, check.severity == "Warning")
                results.append(result_of(subject, outcome))
    return reported(results)


def _of_reading(finding: Finding) -> CheckResult:
    subject = Subject(finding.rule, finding.column, finding.text)
    return result_of(subject, Outcome(failed=True, count=finding.count, rows=finding.rows))


def _look(
    db: "DuckDBPyConnection", plan: CheckPlan, check: Check, rows: int, now: datetime
) -> tuple[str | None, str, Outcome]:
    """Column, rule and outcome of a check that is none of the rules of single records."""
    if check.rows:
        return None, phrase_of_rows(check.rows), number_of_rows(check.rows, rows)
    if check.unique:
        names = check.unique.columns
        single = names[0] if len(names) == 1 else None
        return single, f"no two records alike in {', '.join(names)}", repeated(db, names)
    if check.record:
        columns = tuple(plan.columns.values())
        return None, "valid by the JSON Schema", invalid(db, columns, plan.validators[check.name])
    if check.freshness and check.column:
        max_age = check.freshness.max_age
        return check.column, f"newest at most {max_age} old", age(db, check.column, max_age, now)
    if check.distribution and check.column:
        before, other = plan.baselines[check.name], check.distribution
        phrase = f"{other.statistic} at most {other.max} from {other.dataset} {other.digest[:19]}"
        return check.column, phrase, distance(db, plan.columns[check.column], other, before)
    raise AssertionError(check.name)  # the API server lets no check in without a rule


def _baseline(
    other: DistributionCheck, column: DataColumn, profile: Callable[[PinnedRef], Profile], field: str
) -> ColumnProfile:
    """A column in the version that it is compared with."""
    try:
        found = profile(PinnedRef(name=other.dataset, digest=other.digest))
    except Transient:
        raise
    except Terminal as error:
        raise InvalidInput(f"{field}.distribution: {error}") from error
    before = found.column(column.name)
    version = f"{other.dataset} {other.digest[:19]}"
    if before is None:
        known = ", ".join(each.name for each in found.columns)
        raise InvalidInput(f"{field}.column: {version} has no column {column.name}; it has {known}")
    if before.type != column.type:
        raise InvalidInput(
            f"{field}.column: column {column.name} has the type {column.type} here and {before.type} in "
            f"{version}; compare columns of one type"
        )
    return before


def _require_pattern(pattern: str, field: str) -> None:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise InvalidInput(f"{field}: not a regular expression (RE2): {reason}") from error
