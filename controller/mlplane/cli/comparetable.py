"""How two model versions look side by side: the comparison of ``cards.compare`` as rich tables.

Pure. Called by ``cli.compare``. Each number stands above its interval, so that a table fits into 80 columns.
"""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlplane.api.judgement import GateResult
from mlplane.cards.compare import Comparison, Data, Gated, Shared, data_of
from mlplane.cards.differences import Differences
from mlplane.cards.measures import Measured, Measures
from mlplane.cards.report import Metric
from mlplane.cards.subject import Judged, Subject
from mlplane.cards.text import brief, one_line, wrapped
from mlplane.cards.wording import NONE, change, interval, needs, number, place

COLOURS = {"A": "cyan", "B": "magenta"}
VERDICTS = {"Passed": "green", "Failed": "red", "Inconclusive": "yellow"}
BETTER = {"B": ("better", "green"), "A": ("worse", "red"), "same": ("same", "dim"), "unknown": ("", "")}
"""What the difference says of B."""
CHANCE = (
    "?: may be chance, for the interval of the difference holds 0, or those of A and B overlap, or none "
    "is known. Intervals are of 95 % confidence."
)
NAME = 17


def comparison(found: Comparison) -> RenderableType:
    """What ``mlplane compare`` shows."""
    return Group(
        *_head("A", found.first),
        *_head("B", found.second),
        *(part for shared in found.shared for part in _shared(shared)),
        *_alone(found),
        *_origin(found.origin),
    )


def _head(letter: str, subject: Subject) -> Iterator[RenderableType]:
    version = subject.version
    approval = ("approved", "green") if subject.is_approved else ("not approved", "red")
    digest = brief(version.spec.artifact.digest)
    yield Text.assemble(_letter(letter), (version.name, "bold"), f"  {digest}  ", approval)
    yield Padding(Text(one_line(subject.message), "dim"), (0, 0, 0, 3), expand=False)


def _letter(letter: str) -> tuple[str, str]:
    return f"{letter}  ", f"bold {COLOURS[letter]}"


def _shared(found: Shared) -> Iterator[RenderableType]:
    yield Text(f"\nBoth by {_by(found.data)}", "bold")
    if found.gates:
        yield Text()
        yield _gates(found.gates)
    if found.measures:
        yield Text()
        yield _numbers(found.measures)
        yield Text(f"\n{CHANCE}", "dim")
    for note in found.notes:
        yield Text(f"Not compared: {one_line(note)}", "yellow")


def _by(data: Data) -> str:
    return f"split {data.split} of {data.dataset} {brief(data.digest)}".strip()


def _gates(found: Sequence[Gated]) -> Table:
    lines = _table("gate", "needs", "A", "B")
    for each in found:
        warning = ", a warning only" if each.gate.severity == "Warning" else ""
        name = Text.assemble(wrapped(each.gate.metric), (f"\n{place(each.gate)}{warning}", "dim"))
        lines.add_row(name, needs(each.gate), _outcome(each.first), _outcome(each.second))
    return lines


def _outcome(result: GateResult | None) -> Text:
    if result is None:
        return Text("not asked", "dim")
    text = Text.assemble(f"{result.value or NONE} ", (result.verdict, VERDICTS[result.verdict]))
    if result.reason:
        text.append(f"\n{one_line(result.reason)}", "yellow")
    if result.baseline:
        text.append(f"\nbaseline {result.baseline}", "dim")
    return text


def _numbers(found: Sequence[Measures]) -> Table:
    lines = _table("metric, records", "A", "B", "B − A")
    for part in found:
        for each in part.metrics:
            where = f"slice {part.slice}" if part.slice else "all"
            name = Text.assemble(wrapped(each.metric, NAME), (f"\n{where}, {part.rows:,}", "dim"))
            first, second = _above(each.first), _above(each.second)
            lines.add_row(name, first, second, _difference(each))
        lines.add_section()
    return lines


def _above(found: Metric) -> Text:
    """A value above its interval."""
    return Text.assemble(number(found.value), (f"\n{interval(found.interval)}" * bool(found.interval), "dim"))


def _difference(found: Measured) -> Text:
    said, colour = BETTER[found.better]
    doubt = "" if found.is_clear or found.better not in COLOURS else "?"
    text = Text.assemble(change(found.change), " ", (f"{said}{doubt}", "" if doubt else colour))
    if found.change_interval:
        text.append(f"\n{interval(found.change_interval)}", "dim")
    return text


def _alone(found: Comparison) -> Iterator[Text]:
    """Judgements without a counterpart; where there is no other, the numbers of the versions say nothing."""
    if not found.shared:
        yield Text("\nNot judged by the same data: their numbers cannot be compared.", "bold yellow")
    elif found.alone:
        yield Text("\nBy data that the other was not judged by", "bold")
    for letter, subject in (("A", found.first), ("B", found.second)):
        if not subject.judged:
            yield Text.assemble(_letter(letter), "no Evaluation speaks of it")
        for judged in (judged for whose, judged in found.alone if whose == letter):
            yield Text.assemble(_letter(letter), *_verdict(judged))
    if not found.shared:
        yield Text("Commit an Evaluation that judges one of them by the data of the other.", "dim")


def _verdict(judged: Judged) -> tuple[str, tuple[str, str], str]:
    rows = judged.evaluation.status.rows
    count = "" if rows is None else f", {rows:,} records"
    message = "" if judged.results else f": {one_line(judged.message)}"
    return (
        f"{_by(data_of(judged))}: ",
        (judged.verdict, VERDICTS.get(judged.verdict, "")),
        f"{count}{message}",
    )


def _origin(found: Differences) -> Iterator[RenderableType]:
    yield Text("\nOrigin\n", "bold")
    if found.found:
        lines = _table("what differs", "A", "B")
        for each in found.found:
            lines.add_row(*map(Text, each))
        yield lines
    if found.same:
        yield Text(f"\nThe same: {', '.join(found.same)}", "dim")


def _table(*titles: str) -> Table:
    lines = Table(
        box=box.SIMPLE_HEAD, show_edge=False, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for title in titles:
        style = f"bold {COLOURS[title]}" if title in COLOURS else ""
        lines.add_column(Text(title, style), overflow="fold")
    return lines
