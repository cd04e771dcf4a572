"""The matrix of verb x option: the local server answers as a real kube-apiserver has answered."""

import os

import pytest

from conformance.matrix import changes, counting, recordings
from conformance.matrix.cell import cells

CELLS = cells()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_the_server_answers_as_recorded(cell, result, elsewhere):
    seen = result(cell)
    if os.environ.get("RECORD"):
        return
    expected = recordings.recorded(cell)
    assert expected is not None, "not recorded yet: see docs/reference/conformance.md"
    found = changes.lines(expected, seen)
    listed = [] if elsewhere else recordings.deviations().get(cell.name, {}).get("lines", [])
    assert found == listed, "recorded (-) and answered (+):\n" + "\n".join(found)


def test_nothing_is_given_that_somebody_may_change_before_it_is_looked_at():
    """What is given is created before the first look: the collector and the operator would race with that."""
    given = [(cell, body) for cell in CELLS for body in cell.given]
    ownerless = [
        cell.name
        for cell, body in given
        if any(not owner["uid"].startswith("UID(") for owner in body.get("ownerReferences", []))
    ]
    assert ownerless == []
    assert [cell.name for cell, body in given if body["kind"] == "Chore" and "chores" in cell.look] == []


def test_every_cell_is_recorded_and_every_recording_has_a_cell():
    assert recordings.names() == {cell.name for cell in CELLS}
    assert len(CELLS) >= 150


def test_every_deviation_has_a_cell_and_a_reason():
    listed = recordings.deviations()
    assert listed.keys() <= {cell.name for cell in CELLS}
    assert [name for name, each in listed.items() if not each["because"] or not each["lines"]] == []


def test_custom_resources_deviate_only_where_a_fix_is_known_to_be_missing():
    custom = {cell.name for cell in CELLS if not cell.core}
    listed = recordings.deviations()
    assert [name for name in custom & listed.keys() if not listed[name].get("known")] == []


def test_the_document_has_the_counts():
    table = counting.table(CELLS)
    assert table in counting.DOCUMENT.read_text(), f"write this into {counting.DOCUMENT}:\n{table}"


def test_the_document_names_every_deviation():
    text = counting.DOCUMENT.read_text()
    assert [name for name in recordings.deviations() if f"`{name}`" not in text] == []
