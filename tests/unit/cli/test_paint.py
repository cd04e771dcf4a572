from datetime import UTC, datetime

from rich.console import Console

from mlplane.cli.paint import overview
from mlplane.cli.tree import Node

NOW = datetime(2026, 1, 1, 12, 0, 9, tzinfo=UTC)


def shown(nodes, record=None, width=60):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(overview(nodes, record, NOW))
    return [line.rstrip() for line in captured.get().splitlines()]


def record(outcome="Synced", errors=""):
    data = {"commit": "c" * 40, "outcome": outcome, "errors": errors, "source": "dev at main"}
    return {"data": data | {"time": "2026-01-01T12:00:00Z"}}


def test_an_object_shows_state_reason_age_facts_message_and_the_next_step():
    child = Node("ModelServer", "digits", "ready", "Serving", "http://x", "", "mlplane predict digits", "3s")
    root = Node(
        "Dataset", "digits", "failed", "IngestFailed", "9 rows", "the source is gone", "", "2m", (child,)
    )
    assert shown([root]) == [
        "✗ Dataset digits  IngestFailed  2m",
        "  9 rows",
        "  the source is gone",
        "└── ✓ ModelServer digits  Serving  3s",
        "      http://x",
        "      next: mlplane predict digits",
    ]


def test_long_messages_are_wrapped_under_their_object():
    node = Node("Dataset", "digits", "failed", "IngestFailed", "", "word " * 20, "", "2m")
    lines = shown([node], width=40)
    assert len(lines) > 3
    assert all(line.startswith("  word") for line in lines[1:])


def test_the_commit_that_is_applied_is_on_top():
    assert shown([], record())[0] == "✓ git dev at main cccccccccccc Synced 9s ago"


def test_what_is_wrong_with_a_commit_is_told():
    lines = shown([], record("Invalid", "dev/a.yaml:1:1: no\ndev/b.yaml:2:2: never"))
    assert lines[0].startswith("✗ git dev at main")
    assert [line.strip() for line in lines[1:3]] == ["dev/a.yaml:1:1: no", "dev/b.yaml:2:2: never"]


def test_an_empty_namespace_says_what_to_do():
    assert "commit manifests" in shown([])[0]
