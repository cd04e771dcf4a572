"""The trials of a sweep: which parameters each has. Pure.

Draws are the same on every machine and in every version of Python. A SHA-256 of the seed, the name of the
parameter and the number of the draw says where in the range the value lies; decimals, whose logarithms are
rounded correctly by definition, make the value of it. No random generator and no float is involved.

Called by the reconciler and ``gitops.validate``, which refuse what cannot be meant, and by the steps.
"""

import hashlib
import itertools
import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

from mlplane.api.sweep import TRIALS_LIMIT, Sweep, SweepParameter, SweepRange
from mlplane.errors import InvalidInput
from mlplane.tasks import RunTask

Params = dict[str, str]

DIGITS = 6
"""Digits of a number that is drawn: of the width of its range, or its own where its logarithm is uniform."""
SIZE_LIMIT = 1 << 16
"""Characters of the parameters of all trials; they stand in the status of the run."""
_PRECISION = 40
_HALF = Decimal("0.5")


def trials_of(sweep: Sweep, seed: int) -> list[Params]:
    """The parameters that differ, for each trial; trial 1 comes first, and no two are alike.

    Args:
        sweep: Which values there are. All combinations come in the order of the manifest: the last parameter
            changes fastest.
        seed: Of the run; decides what is drawn.

    Raises:
        InvalidInput: no trials can be made of it, or too many; begins with the path of the field.
    """
    for index, parameter in enumerate(sweep.parameters):
        _check(f"spec.sweep.parameters[{index}]", parameter, sweep)
    trials = _combinations(sweep) if sweep.method == "Grid" else _draws(sweep, seed)
    size = sum(len(name) + len(value) for trial in trials for name, value in trial.items())
    if size > SIZE_LIMIT:
        raise InvalidInput(
            f"spec.sweep.parameters: the parameters of all trials have {size} characters; at most "
            f"{SIZE_LIMIT} are allowed: give long values a short name that the script knows"
        )
    return trials


def task_of_trial(task: RunTask, index: int) -> RunTask:
    """A trial as the work of a run of its own, whose run key it has.

    Args:
        task: Of the run with the sweep.
        index: Number of the trial, from 1.

    Raises:
        InvalidInput: the run has no such trial.
    """
    trials = trials_of(task.spec.sweep, task.spec.seed) if task.spec.sweep else []
    if not 1 <= index <= len(trials):
        raise InvalidInput(f"there is no trial {index}: the run has {len(trials)}")
    changes = {"sweep": None, "params": {**task.spec.params, **trials[index - 1]}}
    return task.model_copy(update={"spec": task.spec.model_copy(update=changes)})


def _check(field: str, parameter: SweepParameter, sweep: Sweep) -> None:
    """What the API server cannot see: numbers in decimal strings, and values that are the same as text."""
    if parameter.range is not None:
        if sweep.method == "Grid":
            raise InvalidInput(f"{field}.range: a Grid needs values; ranges are for the method Random")
        _check_range(f"{field}.range", parameter.range)
    texts = [str(value) for value in parameter.values or ()]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise InvalidInput(f"{field}.values: {twice!r} is there twice; leave one out")


def _check_range(field: str, found: SweepRange) -> None:
    low, high = Decimal(found.min), Decimal(found.max)
    if low > high:
        raise InvalidInput(f"{field}: min {found.min} is more than max {found.max}; exchange them")
    if found.scale == "Log" and low <= 0:
        raise InvalidInput(f"{field}.min: found {found.min}; the scale Log needs a number above 0")
    if found.type == "Integer" and _whole(low, ROUND_CEILING) > _whole(high, ROUND_FLOOR):
        raise InvalidInput(f"{field}: there is no whole number from {found.min} to {found.max}")


def _combinations(sweep: Sweep) -> list[Params]:
    choices = {parameter.name: parameter.values or () for parameter in sweep.parameters}
    count = math.prod(map(len, choices.values()))
    if count > TRIALS_LIMIT:
        product = " x ".join(str(len(values)) for values in choices.values())
        raise InvalidInput(
            f"spec.sweep.parameters: {product} values make {count} trials; at most {TRIALS_LIMIT} are "
            "allowed: leave out values, or draw some of them by the method Random"
        )
    return [
        dict(zip(choices, map(str, values), strict=True)) for values in itertools.product(*choices.values())
    ]


def _draws(sweep: Sweep, seed: int) -> list[Params]:
    """So many different draws as there are trials; what was drawn before is drawn again, not too often."""
    wanted = sweep.trials or 0
    tries = 20 * wanted + 200
    found: dict[tuple[str, ...], Params] = {}
    for number in range(tries):
        if len(found) == wanted:
            break
        drawn = {p.name: _draw(p, _place(seed, p.name, number)) for p in sweep.parameters}
        found.setdefault(tuple(drawn.values()), drawn)
    if len(found) < wanted:
        raise InvalidInput(
            f"spec.sweep.trials: found {wanted}, but {tries} draws gave only {len(found)} different trials; "
            "ask for fewer, or use the method Grid"
        )
    return list(found.values())


def _place(seed: int, name: str, number: int) -> Decimal:
    """A number from 0 up to, but not, 1."""
    digest = hashlib.sha256(f"{seed}/{name}/{number}".encode()).digest()
    with localcontext(Context(prec=_PRECISION)):
        return Decimal(int.from_bytes(digest[:8])) / Decimal(1 << 64)


def _draw(parameter: SweepParameter, place: Decimal) -> str:
    if parameter.values is not None:
        return str(parameter.values[int(place * len(parameter.values))])
    if parameter.range is None:  # refused by the API server
        raise InvalidInput(f"spec.sweep.parameters: {parameter.name} has neither values nor a range")
    with localcontext(Context(prec=_PRECISION)):
        # Without zeros at the end, and never -0: written as a person would write it in the params of a run.
        return f"{(_number(parameter.range, place) + 0).normalize():f}"


def _number(of: SweepRange, place: Decimal) -> Decimal:
    """The number at a place in a range; ends of whole numbers get as much room as those between them."""
    low, high = Decimal(of.min), Decimal(of.max)
    if of.type == "Integer":
        low, high = _whole(low, ROUND_CEILING), _whole(high, ROUND_FLOOR)
        drawn = _at(of, low - _HALF, high + _HALF, place)
        return min(high, max(low, drawn.to_integral_value()))
    drawn = _at(of, low, high, place)
    scale = drawn if of.scale == "Log" else high - low
    if not scale:
        return low
    rounded = drawn.quantize(Decimal(1).scaleb(min(0, scale.adjusted() - DIGITS + 1)))
    return min(high, max(low, rounded))


def _at(of: SweepRange, low: Decimal, high: Decimal, place: Decimal) -> Decimal:
    if of.scale == "Log":
        return (low.ln() + (high.ln() - low.ln()) * place).exp()
    return low + (high - low) * place


def _whole(number: Decimal, rounding: str) -> Decimal:
    return number.to_integral_value(rounding=rounding)
