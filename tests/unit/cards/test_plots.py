"""Plots: which there are, that they are well-formed, and the same bytes for the same report."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest

import cardcases as c
from mlplane.cards.answerplots import panels
from mlplane.cards.plots import plots_of
from mlplane.cards.report import Points, Report
from mlplane.cards.text import wrapped

SVG = "{http://www.w3.org/2000/svg}"
CURVES = [{"metric": name, "steps": [1, 2], "values": [0.5, 0.4]} for name in ("loss", "a$b_{c}$", "f1", "w")]
HOSTILE = {"name": "_" * 63, "column": "c", "values": ["<svg onload=alert(1)>"]}


def report(**changes) -> Report:
    return Report.of(c.rejected_report(training=CURVES, **changes), "r")


def texts(svg: bytes) -> list[str]:
    """What stands in a picture; fails where it is no XML."""
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["slices", "confusion", "curves", "training"]),
        ({"slices": []}, ["confusion", "curves", "training"]),
        ({"plots": {}, "training": []}, ["slices"]),
        ({"plots": c.RESIDUALS, "slices": [], "training": []}, ["residuals"]),
        ({"plots": {}, "slices": [], "training": []}, []),
    ],
)
def test_there_is_a_plot_for_all_that_has_points(changes, names):
    report = Report.of(c.rejected_report(**{"training": CURVES} | changes), "r")
    assert [plot.name for plot in plots_of(report)] == names


def test_each_plot_says_what_it_shows():
    said = {plot.name: texts(plot.content) for plot in plots_of(report())}
    assert {"accuracy", "all (114)", "small (62)", "large (52)"} <= set(said["slices"])
    assert {"this version, 95 %", "baseline, 95 %", "bound of a gate"} <= set(said["slices"])
    assert {"label", "answer", "38", "2", "1", "73"} <= set(said["confusion"])
    assert {"ROC", "Precision over recall", "Calibration (area: records)", "class 1"} <= set(said["curves"])
    assert {"loss", "a$b_{c}$", "f1", "w"} <= set(said["training"])


def test_a_slice_that_is_named_all_has_its_own_line():
    slices = [{"name": "all", "rows": 3, "metrics": {"accuracy": c.metric(0.5)}}]
    cut = {"name": "all", "column": "mean_radius", "below": "13"}
    plots = list(plots_of(report(slices=slices, plan={"slices": [cut]})))
    assert {"all (114)", "slice all (3)"} <= set(texts(plots[0].content))


def test_curves_have_a_panel_for_each_kind_of_points():
    points = Points.model_validate(c.POINTS)
    assert panels(points) == 3
    assert panels(points.model_copy(update={"calibration": ()})) == 2


def test_a_matrix_of_many_classes_has_colours_instead_of_counts():
    plots = {"confusion": [[1000 * (row == column) for column in range(200)] for row in range(200)]}
    (plot,) = plots_of(report(plots=plots, slices=[]).model_copy(update={"training": ()}))
    assert len(texts(plot.content)) < 60
    assert len(plot.content) < 300_000


@pytest.mark.parametrize(
    ("count", "said"), [(9999, "9999"), (10_000, "10k"), (999_499, "999k"), (2_600_000, "3M")]
)
def test_counts_fit_into_the_cells_of_a_matrix(count, said):
    plots = {"confusion": [[count, 0], [0, count]]}
    (plot,) = plots_of(report(plots=plots, slices=[]).model_copy(update={"training": ()}))
    assert texts(plot.content).count(said) == 2


def test_long_and_odd_names_do_no_harm():
    slices = [{"name": HOSTILE["name"], "rows": 3, "metrics": {"accuracy": c.metric(0.5)}}]
    plots = list(plots_of(report(slices=slices, plan={"slices": [HOSTILE]})))
    assert "_" * 22 in texts(plots[0].content)


def test_an_undefined_metric_leaves_its_place_empty():
    slices = [{"name": "small", "rows": 0, "metrics": {"accuracy": {}}}, *c.rejected_report()["slices"][1:]]
    said = texts(next(plots_of(report(slices=slices))).content)
    assert "small (0)" in said


@pytest.mark.parametrize(
    ("name", "lines"),
    [("small", 1), ("over_the_age_of_sixty_and_abroad", 2), ("x" * 50, 3), ("a_" * 31, 3), ("", 1)],
)
def test_names_are_broken_where_they_have_underscores(name, lines):
    broken = wrapped(name)
    assert broken.replace("\n", "") == name
    assert broken.count("\n") + 1 == lines
    assert all(len(line) <= 22 for line in broken.splitlines())


SCRIPT = """
import hashlib, cardcases
from mlplane.cards.plots import plots_of
from mlplane.cards.report import Report
for plot in plots_of(Report.of(cardcases.rejected_report(training=cardcases.LOSS), "r")):
    print(plot.name, hashlib.sha256(plot.content).hexdigest())
"""


def test_the_same_report_gives_the_same_bytes_in_another_process_with_other_settings(tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\n")
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True,
            env={"PYTHONPATH": ":".join(sys.path), "MPLCONFIGDIR": str(folder), "PYTHONHASHSEED": seed},
        ).stdout
        for folder, seed in ((tmp_path, "1"), (tmp_path / "none", "2"))
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert runs[0].count("\n") == 4
