"""What was measured, in words: the part of a sentence that conditions carry. Pure."""

from mlplane.api.evaluation import Recorded
from mlplane.api.judgement import Gate, GateResult

LISTED = 6
"""Gates that a sentence names; a report has them all."""


def verdict_sentence(recorded: Recorded, dataset: str, split: str) -> str:
    """The gates with their numbers, those that decided the verdict first."""
    results = sorted(
        recorded.results,
        key=lambda r: (r.verdict == "Passed", r.gate.severity == "Warning", r.verdict != "Failed"),
    )
    listed = [_result(result) for result in results[:LISTED]]
    if len(results) > LISTED:
        listed.append(f"and {len(results) - LISTED} more gates")
    return f"{', '.join(listed)}; judged on {recorded.rows} rows of {dataset}/{split}"


def _result(result: GateResult) -> str:
    gate = result.gate
    what = gate.metric if gate.slice is None else f"{gate.metric} of slice {gate.slice}"
    warned = " (a warning only)" if gate.severity == "Warning" and result.verdict != "Passed" else ""
    why = f": {result.reason}" if result.reason else ""
    if result.value is None:
        return f"{what} cannot be measured on {result.rows} rows{why}{warned}"
    how = {"Passed": "meets", "Failed": "misses", "Inconclusive": "cannot be held against"}
    return f"{what} {result.value} {how[result.verdict]} {_bounds(gate, result)}{why}{warned}"


def _bounds(gate: Gate, result: GateResult) -> str:
    bounds = [
        f"the {name} {bound}" for name, bound in (("minimum", gate.min), ("maximum", gate.max)) if bound
    ]
    changes = (
        ("at least", gate.min_change, ""),
        ("at most", gate.max_change, ""),
        ("at least", gate.min_relative_change, " of its value"),
        ("at most", gate.max_relative_change, " of its value"),
    )
    missing = "the baseline" if result.reason else "a baseline that does not exist yet"
    against = f"the baseline's {result.baseline}" if result.baseline else missing
    bounds += [f"a change by {how} {bound}{of} from {against}" for how, bound, of in changes if bound]
    return " and ".join(bounds)
