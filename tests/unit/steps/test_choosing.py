"""Which trial is the best, and how its score is written."""

import json

import pytest

import builders as b
from mlplane.errors import Terminal
from mlplane.steps.choosing import decimal_of, select
from mlplane.steps.trainingmetrics import metrics_path
from mlplane.steps.workspace import Workspace, result_path
from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in

KEYS = [f"sha256:{i:064d}" for i in range(100)]


@pytest.fixture
def chosen(tmp_path):
    """Select among trials with these last values of ``loss``; None for one without a model.

    Of some it is NaN, and some have never reported it.
    """
    store = Store(f"file://{tmp_path}/store")
    model = tmp_path / "file"
    model.write_text("a model")
    uri = store.put(model, "models", "digits")

    def choose(values: list, goal: str) -> dict[str, str]:
        for key, value in zip(KEYS, values, strict=False):
            if value is None:
                continue
            made = json.loads(b.run_result())["trained"]
            made |= {"key": key, "artifact": {"uri": uri, "digest": digest_in(uri)}}
            store.put_json(result_path(key), made)
            last = {"accuracy": 0.5, "loss": value} if value != "never" else {"accuracy": 0.5, "f1": 1.0}
            store.put_json(metrics_path(key), {"last": last | ({"loss": None} if value == "NaN" else {})})
        run = b.run()
        run["spec"]["sweep"] = {
            "method": "Grid",
            "parameters": [{"name": "width", "values": [1, 2]}],
            "objective": {"metric": "loss", "goal": goal},
        }
        task = b.run_task(run).model_dump_json(by_alias=True, exclude_none=True)
        select(Workspace(tmp_path, store, task), json.dumps(KEYS[: len(values)]))
        return {path.name: path.read_text() for path in (tmp_path / "out").iterdir() if path.is_file()}

    return choose


@pytest.mark.parametrize(
    ("values", "goal", "best"),
    [
        ([0.5, 0.25, 0.25], "Minimize", 1),
        ([0.5, 0.75, 0.75], "Maximize", 1),
        (["NaN", None, 3.0, 4.0], "Minimize", 2),
        ([-1e308, 1e-300, "NaN"], "Maximize", 1),
        # More digits than are shown decide too.
        ([0.1 + 0.2, 0.3], "Minimize", 1),
    ],
)
def test_the_best_score_wins_and_of_equal_ones_the_first(chosen, values, goal, best):
    assert chosen(values, goal)["key"] == KEYS[best]


def test_without_any_score_the_run_fails_and_says_of_the_first_ones_why(chosen):
    with pytest.raises(Terminal) as caught:
        chosen(["NaN", "never", None, "never", "NaN"], "Minimize")
    never = "loss was never reported by training.metrics; reported: accuracy, f1"
    assert str(caught.value) == (
        "none of the 5 trials has a score: trial 1: the last loss was no finite number; "
        f"trial 2: {never}; trial 4: {never}; and 1 more"
    )


def test_the_answer_of_a_hundred_trials_fits_into_a_parameter(chosen):
    assert len(chosen([-1.2345678901234567e-5] * 100, "Minimize")["trials"].encode()) < 32 << 10


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.25, "0.25"), (-3.0, "-3.0"), (1e-5, "0.00001"), (1e-40, "0.000000000000"), (1e22, "1" + "0" * 22)],
)
def test_a_score_is_a_decimal_string_of_at_most_32_characters(value, shown):
    assert decimal_of(value) == shown
    assert len(decimal_of(1.7976931348623157e308)) <= 32
