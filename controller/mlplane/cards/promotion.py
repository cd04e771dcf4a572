"""What reviewers of a promotion read of the model, as Markdown: verdict, comparison, origin. Pure.

Called by ``cli.promotiontext``, which adds the plan.
"""

from collections.abc import Iterator

from mlplane.cards.compare import Shared, compare, data_of
from mlplane.cards.differences import Differences
from mlplane.cards.lineage import origin
from mlplane.cards.markdown import gates
from mlplane.cards.measures import Measured
from mlplane.cards.subject import Judged, Subject
from mlplane.cards.text import plain, short, table
from mlplane.cards.wording import change, interval, number

_BETTER = {"B": "better", "A": "worse", "same": "same", "unknown": ""}


def evidence(candidate: Subject, serving: Subject | None, environment: str) -> str:
    """The part of a pull request that is about the model.

    Args:
        candidate: The version that is promoted.
        serving: The one that is pinned there now; None if there is none, or nothing is known of it.
        environment: Name of the environment.
    """
    parts = ["### Verdict", *(part for judged in candidate.judged for part in _judged(judged))]
    parts += _against(candidate, serving, environment)
    parts += [f"#{part}" if part.startswith("## ") else part for part in origin(candidate.version.spec)]
    return "\n\n".join(parts)


def worse(candidate: Subject, serving: Subject) -> tuple[list[str], bool]:
    """Metrics with gates that are clearly worse than what is served, in words; and whether any were compared.

    Clearly: by the interval of the difference, or by intervals that do not overlap.
    """
    found = compare(serving, candidate)
    gated = {result.gate.metric for judged in candidate.judged for result in judged.results}
    every = [
        (part.slice, each)
        for shared in found.shared
        for part in shared.measures
        for each in part.metrics
        if each.metric in gated
    ]
    bad = [_sentence(where, each) for where, each in every if each.better == "A" and each.is_clear]
    return bad, bool(every)


def _judged(judged: Judged) -> Iterator[str]:
    data = data_of(judged)
    rows = judged.evaluation.status.rows
    said = f", {rows:,} records" if rows is not None else ""
    by = f"split {plain(data.split)} of {plain(data.dataset)} {short(data.digest)}{said}"
    yield f"**{judged.verdict}** by {by} (`{judged.evaluation.name}`)."
    if judged.results:
        yield gates(judged.results)
    if judged.report is None and judged.problem:
        yield f"The report cannot be shown: {plain(judged.problem)}."


def _against(candidate: Subject, serving: Subject | None, environment: str) -> Iterator[str]:
    if serving is None:
        yield f"### Against what {environment} serves now"
        yield "Nothing is served there yet."
        return
    yield f"### Against `{serving.version.name}`, which {environment} serves now"
    found = compare(serving, candidate)
    if not any(shared.measures for shared in found.shared):
        yield "Not judged by the same data: their numbers cannot be compared."
    for shared in found.shared:
        yield from _compared(shared)
    yield from _origin(found.origin)


def _compared(shared: Shared) -> Iterator[str]:
    rows = [
        (
            f"`{each.metric}`",
            plain(f"slice {part.slice}" if part.slice else "all"),
            f"{part.rows:,}",
            number(each.first.value),
            number(each.second.value),
            f"{change(each.change)} {_better(each)}".strip(),
            interval(each.change_interval),
        )
        for part in shared.measures
        for each in part.metrics
    ]
    if rows:
        head = ("metric", "where", "records", "now", "new", "change", "95 %")
        yield table(head, rows, right=(2, 3, 4, 5))
    for note in shared.notes:
        yield f"Not compared: {plain(note)}."


def _better(found: Measured) -> str:
    said = _BETTER[found.better]
    return said if not said or found.is_clear or found.better == "same" else f"{said}?"


def _origin(found: Differences) -> Iterator[str]:
    if found.found:
        rows = [(plain(each.what), plain(each.first), plain(each.second)) for each in found.found]
        yield table(("what differs", "now", "new"), rows)
    if found.same:
        yield f"The same: {', '.join(map(plain, found.same))}."


def _sentence(where: str, found: Measured) -> str:
    place = f" on slice {where}" if where else ""
    values = f"{number(found.first.value)} → {number(found.second.value)}"
    return f"{found.metric}{place} is clearly worse than what is served, {values}"
