"""Files and functions stay small enough to read: the maximum is policed, not the average."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "controller").rglob("*.py"))
FILE_LINES = 400
FUNCTION_LINES = 50


def functions_of(path: Path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_there_is_something_to_measure():
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_file_and_its_functions_are_within_the_caps(path):
    assert len(path.read_text().splitlines()) <= FILE_LINES
    assert {name: lines for name, lines in functions_of(path) if lines > FUNCTION_LINES} == {}
