"""Which trials a sweep has: in order, by the seed, and never too many."""

from decimal import Decimal

import pytest

import builders as b
from mlplane.api.sweep import Sweep
from mlplane.errors import InvalidInput
from mlplane.runkey import run_key
from mlplane.sweeps import task_of_trial, trials_of
from mlplane.tasks import RunTask

OBJECTIVE = {"metric": "loss", "goal": "Minimize"}


def grid(**values: list) -> Sweep:
    parameters = [{"name": name, "values": found} for name, found in values.items()]
    return Sweep.model_validate({"method": "Grid", "parameters": parameters, "objective": OBJECTIVE})


def drawn(trials: int, *parameters: dict) -> Sweep:
    return Sweep.model_validate(
        {"method": "Random", "trials": trials, "parameters": parameters, "objective": OBJECTIVE}
    )


def range_of(low: str, high: str, name: str = "lr", **more: str) -> dict:
    return {"name": name, "range": {"min": low, "max": high, **more}}


def test_a_grid_has_all_combinations_the_last_parameter_changing_fastest():
    assert trials_of(grid(lr=["0.1", "0.01"], width=[8, 16]), 0) == [
        {"lr": "0.1", "width": "8"},
        {"lr": "0.1", "width": "16"},
        {"lr": "0.01", "width": "8"},
        {"lr": "0.01", "width": "16"},
    ]


MIXED = drawn(
    4,
    range_of("0.0001", "0.1", scale="Log"),
    range_of("-1", "1", "shift"),
    range_of("1", "64", "width", type="Integer", scale="Log"),
    {"name": "optimizer", "values": ["adam", "sgd"]},
)


def test_what_a_seed_draws_stays_the_same_over_versions_and_machines():
    """A change here gives every random sweep other trials: be sure that it is meant."""
    assert trials_of(MIXED, 7) == DRAWN


DRAWN = [
    {"lr": "0.000119523", "shift": "0.09318", "width": "32", "optimizer": "adam"},
    {"lr": "0.00184824", "shift": "0.82889", "width": "35", "optimizer": "adam"},
    {"lr": "0.000141607", "shift": "-0.67575", "width": "4", "optimizer": "sgd"},
    {"lr": "0.000892093", "shift": "0.7287", "width": "2", "optimizer": "adam"},
]


def test_another_seed_draws_others_and_more_trials_begin_with_the_same():
    seven = trials_of(MIXED, 7)
    assert trials_of(MIXED, 8) != seven
    assert trials_of(MIXED.model_copy(update={"trials": 9}), 7)[:4] == seven


@pytest.mark.parametrize(
    ("low", "high", "more"),
    [
        ("0.0001", "0.1", {}),
        ("0.0001", "0.1", {"scale": "Log"}),
        ("-3.5", "-3.25", {}),
        ("0", "1", {}),
        ("1", "1000000", {"scale": "Log", "type": "Integer"}),
        ("-2", "90", {"type": "Integer"}),
        ("99999999999999.9999999999999998", "99999999999999.9999999999999999", {}),
    ],
)
def test_numbers_are_within_their_range_and_decimal_strings(low, high, more):
    found = [trial["lr"] for trial in trials_of(drawn(1, range_of(low, high, **more)), 1)]
    many = [trials_of(drawn(1, range_of(low, high, **more)), seed)[0]["lr"] for seed in range(200)]
    for text in found + many:
        assert Decimal(low) <= Decimal(text) <= Decimal(high)
        assert text == f"{Decimal(text):f}"
        assert not text.startswith("-0") or Decimal(text) != 0
        assert "type" not in more or "." not in text


def test_a_range_is_drawn_from_evenly_by_its_scale():
    linear = [Decimal(t["lr"]) for t in trials_of(drawn(100, range_of("0", "1")), 3)]
    assert 35 <= sum(value < Decimal("0.5") for value in linear) <= 65
    log = [Decimal(t["lr"]) for t in trials_of(drawn(100, range_of("0.0001", "1", scale="Log")), 3)]
    assert 35 <= sum(value < Decimal("0.01") for value in log) <= 65


def test_no_two_trials_are_alike_even_if_all_combinations_are_drawn():
    found = trials_of(drawn(6, range_of("1", "6", type="Integer")), 0)
    assert sorted(trial["lr"] for trial in found) == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (grid(a=list(range(11)), b=list(range(10))), "11 x 10 values make 110 trials; at most 100"),
        (grid(a=["1", 1]), r"spec.sweep.parameters\[0\].values: '1' is there twice"),
        (drawn(3, {"name": "a", "values": [1, 2]}), "260 draws gave only 2 different trials"),
        (drawn(1, range_of("2", "1")), r"spec.sweep.parameters\[0\].range: min 2 is more than max 1"),
        (drawn(1, range_of("0", "1", scale="Log")), "the scale Log needs a number above 0"),
        (drawn(1, range_of("0.1", "0.9", type="Integer")), "no whole number from 0.1 to 0.9"),
        (
            grid(a=["x" * 1024, "y" * 1024], b=list(range(32)), c=[1]),
            r"of all trials have 65\d\d\d characters; at most",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(sweep, message):
    with pytest.raises(InvalidInput, match=message):
        trials_of(sweep, 0)


def test_a_hundred_trials_are_allowed():
    assert len(trials_of(grid(a=list(range(10)), b=list(range(10))), 0)) == 100


def task(**spec) -> RunTask:
    body = b.run_task(b.run()).to_body()
    return RunTask.model_validate(body | {"spec": body["spec"] | spec})


def test_a_trial_is_the_same_work_as_a_run_with_its_parameters():
    sweep = grid(lr=["0.1", "0.01"]).to_body()
    trial = task_of_trial(task(params={"epochs": 30}, sweep=sweep), 2)
    plain = task(params={"epochs": 30, "lr": "0.01"})
    assert run_key(trial, "f" * 40) == run_key(plain, "f" * 40)
    with pytest.raises(InvalidInput, match="there is no trial 3: the run has 2"):
        task_of_trial(task(params={}, sweep=sweep), 3)
