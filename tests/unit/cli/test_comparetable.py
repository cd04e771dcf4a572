"""How a comparison looks in a terminal; what is compared is tested with ``cards.compare``."""

import pytest
from rich.console import Console

import cardcases as c
from mlplane.cards.compare import compare
from mlplane.cli.comparetable import comparison

OLD = c.approved_report(model={"name": "tumours", "digest": c.OLD})
FIRST = c.subject(c.judged(OLD), name="tumours-bbbbbbbb", digest=c.OLD, params={"columns": "error"})
SECOND = c.subject(c.judged(c.rejected_report()), message="rejected: worse on small")
ELSEWHERE = c.approved_report(dataset={"name": "tumours", "digest": "sha256:" + "5" * 64})


def lines_of(first, second, width: int = 80) -> list[str]:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(comparison(compare(first, second)))
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_both_are_named_with_what_became_of_them():
    lines = lines_of(FIRST, SECOND)
    assert lines[0] == "A tumours-bbbbbbbb sha256:bbbbbbbbbbbb approved"
    assert lines[2:4] == [
        "B tumours-eeeeeeee sha256:eeeeeeeeeeee not approved",
        "rejected: worse on small",
    ]


def test_each_metric_fits_into_80_columns_with_its_interval_below_it():
    lines = lines_of(FIRST, SECOND)
    at = lines.index("accuracy 0.9194 0.8710 -0.0484 worse")
    assert lines[at + 1] == "slice small, 62 0.8387 to 0.9839 0.8210 to 0.8910 -0.1000 to -0.0100"
    assert "log_loss 0.2443 0.1100 -0.1343 better?" in lines
    assert "missed 0.1190 0.0238 -0.0952 better?" in lines
    assert "roc_auc – – –" in lines


def test_gates_say_what_they_need_and_what_was_measured():
    lines = lines_of(FIRST, SECOND)
    assert "accuracy ≥ 0.85, change ≥ 0 not asked 0.9561 Passed" in lines
    assert "accuracy change ≥ -0.02 not asked 0.8709 Failed" in lines
    assert "slice small baseline 0.9193" in lines
    assert "log_loss ≤ 0.20 0.2443 Failed not asked" in lines
    assert "all, a warning only" in lines


def test_what_was_judged_on_other_data_is_said_to_be_incomparable():
    lines = lines_of(FIRST, c.subject(c.judged(ELSEWHERE)))
    at = lines.index("Not judged by the same data: their numbers cannot be compared.")
    assert lines[at + 1 : at + 3] == [
        "A split test of tumours sha256:dddddddddddd: Passed, 114 records",
        "B split test of tumours sha256:555555555555: Passed, 114 records",
    ]
    assert not any("0.9035" in line for line in lines)


def test_one_that_nobody_judged_is_told():
    lines = lines_of(c.imported(source="[red]a table[/red]"), SECOND)
    assert "A no Evaluation speaks of it" in lines
    assert "imported from [red]a table[/red] –" in lines


@pytest.mark.parametrize("width", [60, 200])
def test_narrow_and_wide_terminals_lose_nothing(width):
    text = "".join(lines_of(FIRST, SECOND, width)).replace(" ", "")
    assert all(word in text for word in ("0.9194", "-0.0484", "paramcolumns"))
