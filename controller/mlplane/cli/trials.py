"""The trials of a sweep as a table: what differed, and how each did. Pure; called by ``cli.metrics``."""

from rich.table import Table
from rich.text import Text

from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, mappings, text


def trials_of(run: Body) -> list[Body]:
    """What the status says of the trials, in their order."""
    return sorted(mappings(at(run, "status", "trials")), key=lambda trial: int(trial.get("index") or 0))


def table_of(run: Body) -> Table:
    """A row for each trial that has ended; the chosen one is marked."""
    objective = mapping(at(run, "spec", "sweep", "objective"))
    differing = [text(each.get("name")) for each in mappings(at(run, "spec", "sweep", "parameters"))]
    trials, best = trials_of(run), at(run, "status", "bestTrial")
    table = Table(box=None, title=None if trials else "no trial has ended yet")
    for header in ("", "trial", *differing, text(objective.get("metric")), "state"):
        table.add_column(Text(header))
    for trial in trials:
        params = mapping(trial.get("params"))
        values = [Text(text(params.get(name))) for name in differing]
        failed = trial.get("state") == "Failed"
        state = Text(" ".join([text(trial.get("state")), text(trial.get("message"))]).strip())
        is_best = trial.get("index") == best
        table.add_row(
            "★" if is_best else "",
            str(trial.get("index")),
            *values,
            Text(text(trial.get("score"))),
            state,
            style="red" if failed else "bold green" if is_best else "",
        )
    return table
