"""The card of each kind of version, word for word, in golden/.

After a change that is meant, run ``pytest tests/unit/cards --update-golden`` and read the difference.
"""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import cardcases as c
from mlplane.cards.markdown import Image, card
from mlplane.cards.subject import Subject

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "x` | y <img src=x onerror=alert(1)> [a](javascript:b) ![c](d) **e** $f$\x1b[2J\u202e"

INCONCLUSIVE = c.report(
    [c.result("accuracy", "1.0000", "Inconclusive", min="0.9", rows=10, reason="10 rows; 30 are needed")],
    {"accuracy": c.metric(1.0, 0.9, 1.0)},
    rows=10,
)
REGRESSION = c.report(
    [c.result("rmse", "1204", "Failed", max="1200", maxRelativeChange="0.05")],
    {"mae": c.metric(0.00012), "rmse": c.metric(1204.2, 1100.0, 1311.5), "r2": c.metric(-0.5, -1.2, 0.1)},
    task="Regression",
    plots=c.RESIDUALS,
)
TOLD = {"values": ["a|b", "<b>", "`c`"]}
SUBJECTS = {
    "approved": c.subject(c.judged(c.approved_report())),
    "rejected on a slice": c.subject(
        c.judged(c.rejected_report()), message="rejected: accuracy of slice small 0.8709 misses its bound"
    ),
    "inconclusive": c.subject(c.judged(INCONCLUSIVE)),
    "regression": c.subject(c.judged(REGRESSION)),
    "imported": c.imported(source="a table of the clinic's", license="MIT"),
    "without its report": c.subject(c.judged(c.approved_report(), problem="store://… is not in the store")),
    "judged twice": c.subject(c.judged(c.approved_report()), c.judged(INCONCLUSIVE, name="on-ten")),
    "not judged yet": c.subject(
        c.judged(INCONCLUSIVE, "it has no report", verdict=None, results=[], conditions=[
            c.b.condition("Ready", "False", "Running", "step evaluate runs")
        ], rows=None)
    ),
    "hostile": c.subject(
        c.judged(c.approved_report(plan={"slices": [{"name": "small", "column": "_a_"} | TOLD, c.LARGE]})),
        message=HOSTILE, params={"a_b": HOSTILE, "_c_": "_d_"}, image=HOSTILE,
    ),
}  # fmt: skip
PLOTS = {"Classification": ("slices", "confusion", "curves", "training"), "Regression": ("residuals",)}


@pytest.mark.parametrize("case", SUBJECTS)
def test_the_card_is_the_recorded_one(case, request):
    text = card_of(SUBJECTS[case])
    path = GOLDEN / f"{case.replace(' ', '-')}.md"
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert path.read_text() == text


def card_of(subject: Subject) -> str:
    images = {
        (judged.evaluation.name, plot): Image(f"{plot}.svg", f"Title of {plot}")
        for judged in subject.judged
        if judged.report
        for plot in PLOTS[judged.report.task]
    }
    return card(subject, images)


def test_every_recorded_card_belongs_to_a_case():
    assert {path.stem for path in GOLDEN.glob("*.md")} == {case.replace(" ", "-") for case in SUBJECTS}


def test_no_value_becomes_markup():
    """Judged by another's reading of Markdown: there is what the card has put there, and nothing else."""
    page = MarkdownIt("gfm-like", {"linkify": False}).render(card_of(SUBJECTS["hostile"]))
    assert "&lt;img src=x onerror=alert(1)&gt; [a](javascript:b) ![c](d) **e** $f$" in page
    assert "a|b, &lt;b&gt;, `c`" in page
    assert "<td>_d_</td>" in page
    tags = {tag: page.count(f"<{tag}") for tag in ("a ", "img ", "b>", "em>", "h1", "tr>")}
    plain = MarkdownIt("gfm-like", {"linkify": False}).render(card_of(SUBJECTS["approved"]))
    assert tags == {tag: plain.count(f"<{tag}") for tag in tags}


def test_a_terminal_gets_no_command_from_a_value():
    assert all(char.isprintable() for line in card_of(SUBJECTS["hostile"]).splitlines() for char in line)
