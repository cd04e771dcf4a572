"""A plan in a terminal. Called by ``cli.plan``."""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlplane.api.planned import Effect, ObjectChange, Plan
from mlplane.gitops.planningwords import SIGNS, gpus, headline, rest, shortened, sides, verb

_COLOURS = {"Created": "green", "Changed": "yellow", "Deleted": "red", "Refused": "bold red"}
_LOUD = {"Stalls": "red", "Waits": "yellow", "Stops": "red", "Trains": "cyan", "RollsOut": "cyan"}


def show(plan: Plan) -> None:
    """Print the plan."""
    Console(highlight=False).print(page(plan))


def page(plan: Plan) -> Group:
    """The plan as it is printed."""
    return Group(*_parts(plan))


def _parts(plan: Plan) -> Iterator[RenderableType]:
    yield Text.assemble(
        (plan.path, "bold"), f" in namespace {plan.namespace}: {plan.after} against {plan.before}"
    )
    if plan.objects:
        yield Text()
    for change in plan.objects:
        yield from _change(change)
    if plan.effects:
        yield Text("\nWhat the controllers would do", "bold")
        yield Padding(_effects(plan), (0, 0, 0, 2))
    for found in plan.capacity:
        yield Text.assemble(("\nGPUs  ", "bold"), gpus(found))
    for problem in plan.problems:
        yield Text.assemble(("\nproblem: ", "bold red"), problem)
    if plan.objects and plan.notes:
        yield Text("\n" + "; ".join(plan.notes), "dim")
    yield Text(f"\nPlan: {headline(plan)}", "bold red" if plan.problems else "bold green")


def _change(change: ObjectChange) -> Iterator[RenderableType]:
    colour = _COLOURS[change.action]
    yield Text.assemble((f"{SIGNS[change.action]} ", colour), f"{change.kind} ", (change.name, "bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for field in change.fields:
        old, new = sides(field)
        shown = Text(old or "", "red") if old is not None else Text("absent", "dim")
        shown.append(" → ", "dim").append(new if new is not None else "absent", "green" if new else "dim")
        table.add_row(Text(field.path), shown)
    if change.fields:
        yield Padding(table, (0, 0, 0, 4))


def _effects(plan: Plan) -> Table:
    gates = {run.name: run.gates for run in plan.runs}
    table = Table.grid(padding=(0, 2))
    for _ in range(2):
        table.add_column(overflow="fold")
    table.add_column(overflow="fold", ratio=1)
    for effect in plan.effects:
        name = Text.assemble(f"{effect.kind} ", (effect.name, "bold"))
        said = Text(rest(effect))
        for label, more in _more(effect, gates.get(effect.name, ())):
            said.append(f"\n{label} ", "dim").append(shortened(more))
        table.add_row(name, Text(verb(effect).rstrip(":"), _LOUD.get(effect.what, "")), said)
    return table


def _more(effect: Effect, gates: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if effect.after:
        yield "first:", effect.after
    if gates and effect.kind == "TrainingRun":
        yield "gates:", "; ".join(gates)
