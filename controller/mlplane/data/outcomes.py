"""What a check found, and how it is reported: counts and places, those that failed first. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from mlplane.api.datacheck import CheckResult

MAX_RESULTS = 64
MAX_BYTES = 20 << 10
"""Room for results: an output parameter has 32 KiB, and holds more than these."""
MAX_RULE = 256
DIGITS = 6
EXACT = 80
"""Digits that hold a decimal string of 32 characters beside any number that is compared with it."""


@dataclass(frozen=True)
class Outcome:
    """What came of looking at all records."""

    failed: bool
    count: int = 0
    """Records that break the rule."""
    rows: tuple[int, ...] = ()
    """The first of them."""
    measured: str | None = None


@dataclass(frozen=True)
class Subject:
    """A rule as it is reported."""

    name: str
    column: str | None
    rule: str
    is_warning: bool = False


def result_of(subject: Subject, outcome: Outcome) -> CheckResult:
    """The result of a check; nothing is counted of one that passed."""
    found = outcome if outcome.failed else Outcome(failed=False, measured=outcome.measured)
    failed = "Warned" if subject.is_warning else "Failed"
    return CheckResult(
        name=subject.name,
        column=subject.column,
        rule=subject.rule if len(subject.rule) <= MAX_RULE else subject.rule[: MAX_RULE - 1] + "…",
        verdict=failed if found.failed else "Passed",
        count=found.count,
        rows=found.rows,
        measured=found.measured,
    )


def reported(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """The results in the order of their weight, as many as there is room for."""
    weights = ("Failed", "Warned", "Passed")
    room = MAX_BYTES
    kept: list[CheckResult] = []
    for result in sorted(results, key=lambda each: weights.index(each.verdict)):
        room -= len(result.model_dump_json().encode())
        if room < 0 or len(kept) == MAX_RESULTS:
            break
        kept.append(result)
    return tuple(kept)


def shown(value: Decimal, limit: Decimal, digits: int = DIGITS) -> str:
    """A number that was compared with an upper limit: one above it never looks as if it were not."""
    digits = max(digits, -int(limit.as_tuple().exponent))
    rounding = ROUND_CEILING if value > limit else ROUND_FLOOR
    with localcontext(prec=EXACT):
        return f"{value.quantize(Decimal(1).scaleb(-digits), rounding).normalize():f}"
