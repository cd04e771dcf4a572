"""What a task of a DAG waits for: ``depends`` and ``dependencies``. Pure."""

import re
from collections.abc import Mapping

from mlplane.api import Body
from mlplane.local.workflows import exprlang

RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
"""What may be asked of a task."""
_WORD = re.compile(r"([a-zA-Z0-9][-a-zA-Z0-9]*)(\.[A-Z][a-zA-Z]+)?")


def condition_of(task: Body, tasks: Mapping[str, Body]) -> str:
    """A task's condition with each task's results spelt out; empty if it waits for nothing.

    Args:
        task: The task.
        tasks: All tasks of its DAG by name.
    """
    if task.get("depends"):
        return _WORD.sub(lambda found: found[0] if found[2] else _went_well(tasks[found[1]]), task["depends"])
    return " && ".join(_went_well(tasks[name]) for name in task.get("dependencies") or ())


def names_in(task: Body) -> list[str]:
    """The tasks that a task waits for, in the order in which it names them."""
    named = [found[1] for found in _WORD.finditer(task.get("depends") or "")]
    return list(dict.fromkeys(named or task.get("dependencies") or ()))


def unknown_results(task: Body) -> list[str]:
    """What a task asks of others that is no result."""
    found = [(each[1], each[2][1:]) for each in _WORD.finditer(task.get("depends") or "") if each[2]]
    return [
        f"task result '{result}' for task '{name}' is invalid"
        for name, result in found
        if result not in RESULTS
    ]


def _went_well(task: Body) -> str:
    allowed = task.get("continueOn") or {}
    wanted = ["Succeeded", "Skipped", "Daemoned"]
    wanted += ["Errored"] if allowed.get("error") else []
    wanted += ["Failed"] if allowed.get("failed") else []
    return "(" + " || ".join(f"{task['name']}.{each}" for each in wanted) + ")"


def results_of(node: Body, children: list[Body]) -> dict[str, bool]:
    """What may be asked of a task that is over.

    Args:
        node: Its node.
        children: The nodes of its turns, if it is a loop.
    """
    phases = [child["phase"] for child in children] if node["type"] == "TaskGroup" else []
    return {
        "Succeeded": node["phase"] == "Succeeded",
        "Failed": node["phase"] == "Failed",
        "Errored": node["phase"] == "Error",
        "Skipped": node["phase"] == "Skipped",
        "Omitted": node["phase"] == "Omitted",
        "Daemoned": False,
        "AnySucceeded": "Succeeded" in phases,
        "AllFailed": bool(phases) and all(phase == "Failed" for phase in phases),
    }


def is_met(condition: str, results: Mapping[str, Mapping[str, bool]]) -> bool:
    """Whether a condition holds.

    Args:
        condition: As ``condition_of`` gives it.
        results: The results of all tasks that it names.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    known = {
        f"{_plain(name)}.{result}": held for name, found in results.items() for result, held in found.items()
    }
    return exprlang.holds(_plain(condition), known)


def _plain(text: str) -> str:
    """Names with hyphens are no names in an expression."""
    return text.replace("-", "_")
