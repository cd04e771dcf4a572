"""What served and what it came from, in a terminal: tables and trees of rich.

Names and messages are those of git and of manifests: nothing in them becomes markup or moves the cursor.
Called by ``cli.history`` and ``cli.lineage``.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from mlplane.api.reading import at, mappings, text
from mlplane.api.served import Evidence, History, Measured, Origin, Provenance, Served
from mlplane.cards.text import brief, one_line

_VERDICTS = {"Passed": "green", "Failed": "red"}
_WIDEST = 10_000
_COLUMNS = ("env", "since", "until", "version", "how", "by", "data", "evidence", "commit")


def show_history(history: History, *, in_full: bool) -> None:
    """Print what a server was given; ``in_full`` also what each version came from."""
    console = Console(highlight=False)
    console.print(Group(*_history(history, console, in_full=in_full)), crop=False)


def show_provenance(provenance: Provenance) -> None:
    """Print what a model version came from, how it was judged and where it was served."""
    Console(highlight=False).print(provenance_tree(provenance))


def _history(history: History, console: Console, *, in_full: bool) -> Iterator[RenderableType]:
    if history.served:
        yield _table(history.served, console)
    else:
        yield Text(
            f"git pins no version of {history.server} there: it follows a policy, or was not there then",
            "dim",
        )
    for environment, status in history.now.items():
        ready: object = next((c for c in mappings(status.get("conditions")) if c.get("type") == "Ready"), {})
        reason, message = (one_line(text(at(ready, key))) for key in ("reason", "message"))
        yield Text.assemble(
            (f"{environment} now: ", "bold"), f"{reason or 'not looked at yet'}  ", (message, "dim")
        )
    for entry in history.served if in_full else ():
        if entry.origin:
            yield Text()
            provenance = Provenance(origin=entry.origin, evidence=entry.evidence, served=(entry,))
            yield provenance_tree(provenance)


def _table(entries: Iterable[Served], console: Console) -> Table:
    """One line for each, however narrow the terminal: it folds lines better than a table breaks words."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in _COLUMNS:
        table.add_column(column, no_wrap=True)
    for entry in entries:
        table.add_row(*_row(entry))
    table.width = table.__rich_measure__(console, console.options.update(max_width=_WIDEST)).maximum
    return table


def _row(entry: Served) -> Iterator[Text]:
    yield Text(entry.environment)
    yield Text(_day(entry.since))
    yield Text(_day(entry.until) if entry.until else "now", "" if entry.until else "green")
    yield Text(entry.version.name if entry.version else "–", "bold")
    yield Text(entry.how + (f" from {one_line(entry.promoted_from)}" if entry.promoted_from else ""))
    yield Text(_people(entry))
    data = entry.origin.dataset if entry.origin else None
    yield Text(f"{data.name} {brief(data.digest)}" if data else "–")
    yield Text("\n").join(_sentence(each) for each in entry.evidence) if entry.evidence else Text("–")
    yield Text(entry.commit[:12], "magenta")


def _people(entry: Served) -> str:
    names = [one_line(who).partition(" <")[0] for who in (entry.by, *entry.proposed_by)]
    others = [name for name in dict.fromkeys(names[1:]) if name != names[0]]
    return names[0] + (f" (of {', '.join(others)})" if others else "")


def provenance_tree(provenance: Provenance) -> Tree:
    """A model version at the root, and all that is known of it."""
    origin = provenance.origin
    tree = Tree(Text.assemble("ModelVersion ", (origin.name, "bold"), f"  {origin.digest}"))
    for title, value in _facts(origin):
        tree.add(Text.assemble((f"{title}  ", "dim"), one_line(value)))
    for evidence in provenance.evidence:
        branch = tree.add(Text.assemble(("judged  ", "dim"), evidence.evaluation, "  ", _sentence(evidence)))
        branch.add(Text(f"{evidence.dataset.name}/{evidence.split} {brief(evidence.dataset.digest)}", "dim"))
        branch.add(Text(evidence.report, "dim"))
    for entry in provenance.served:
        until = f" until {_day(entry.until)}" if entry.until else ""
        where = f"{entry.environment}/{entry.server} since {_day(entry.since)}{until}"
        tree.add(Text.assemble(("served  ", "dim"), f"{where}, {entry.how} by {_people(entry)}"))
    return tree


def _facts(origin: Origin) -> Iterator[tuple[str, str]]:
    if origin.imported_from:
        yield "imported from", origin.imported_from
    if origin.run:
        yield "run", f"{origin.run}, key {brief(origin.run_key or '')}"
    if origin.dataset:
        yield "dataset", f"{origin.dataset.name} {origin.dataset.digest}"
    for name, digest in origin.splits.items():
        yield "trained on", f"split {name} {brief(digest)}"
    if origin.code:
        yield "code", origin.code + (f" at {origin.commit}" if origin.commit else "")
    if origin.image:
        yield "image", origin.image
    if origin.params:
        yield "params", ", ".join(f"{name}={value}" for name, value in origin.params.items())
    if origin.seed is not None:
        yield "seed", str(origin.seed)


def _sentence(evidence: Evidence) -> Text:
    results = ", ".join(_measured(each) for each in evidence.results)
    return Text.assemble(
        (evidence.verdict, _VERDICTS.get(evidence.verdict, "yellow")), f" {results} on {evidence.rows} rows"
    )


def _measured(result: Measured) -> str:
    where = f" of {result.slice}" if result.slice else ""
    against = f" (baseline {result.baseline})" if result.baseline else ""
    return one_line(f"{result.metric}{where} {result.value or '–'}{against}")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
