"""What a user meets is in the docs: each reason, each command, each field."""

import ast
import re
from pathlib import Path

import pytest

from mlplane import names

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def reasons() -> list[str]:
    """Constants of names.py between the comment on reasons and the next section."""
    source = Path(names.__file__).read_text()
    section = source.partition("# Reasons of conditions.")[2].partition("\n")[2].partition("\n# ")[0]
    return [node.value.value for node in ast.walk(ast.parse(section)) if isinstance(node, ast.Assign)]


@pytest.mark.parametrize("reason", reasons())
def test_each_reason_says_what_it_means_and_what_to_do(reason):
    assert f"\n| `{reason}` |" in (DOCS / "reference" / "conditions.md").read_text()


def test_no_documented_reason_is_unknown():
    table = (DOCS / "reference" / "conditions.md").read_text().partition("| reason |")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(reasons())


def test_each_decision_has_context_decision_and_consequences():
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    assert decisions
    for path in decisions:
        text = path.read_text()
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences")), path.name
        assert len(text.splitlines()) <= 40, path.name


def test_links_between_documents_lead_somewhere():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
