"""A plan as Markdown for a pull request: short, with details that fold. Pure.

What stands in manifests is somebody else's text: it can neither end a block nor name a person. Called by
``cli.plan``.
"""

import re
from collections.abc import Iterable, Iterator

from mlplane.api.planned import Child, Effect, FieldChange, ObjectChange, Plan
from mlplane.gitops.planningwords import SIGNS, gpus, headline, rest, shortened, sides, verb

_LIMIT = 60_000
"""Characters; forges take some 65,000 in a comment."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@])")


def markdown(plan: Plan) -> str:
    """The plan as GitHub, GitLab and Forgejo show it."""
    parts = [f"### Plan: {headline(plan)}", _what(plan)]
    if plan.problems:
        parts.append("\n".join(f"> **Problem:** {_escaped(problem)}  " for problem in plan.problems))
    if plan.objects:
        parts += ["| | kind | name |\n|---|---|---|\n" + "\n".join(map(_row, plan.objects))]
    if plan.effects:
        parts += ["**What the controllers would do**", "\n".join(_effects(plan))]
    if plan.capacity:
        parts.append("**GPUs:** " + "; ".join(_escaped(gpus(found)) for found in plan.capacity))
    parts += _details(plan)
    if plan.notes and plan.objects:
        parts.append(f"<sub>{_escaped('; '.join(plan.notes))}.</sub>")
    text = "\n\n".join(parts) + "\n"
    return text if len(text) <= _LIMIT else f"{parts[0]}\n\n{parts[1]}\n\nToo long to be shown here.\n"


def _what(plan: Plan) -> str:
    return f"`{plan.path}` in namespace `{plan.namespace}`: {plan.after} against {_escaped(plan.before)}"


def _row(change: ObjectChange) -> str:
    return f"| {change.action.lower()} | {change.kind} | `{change.name}` |"


def _effects(plan: Plan) -> Iterator[str]:
    gates = {run.name: run.gates for run in plan.runs}
    for effect in plan.effects:
        yield f"- {effect.kind} `{effect.name}` **{verb(effect)}** {_said(rest(effect))}"
        yield from _more(effect, gates.get(effect.name, ()) if effect.kind == "TrainingRun" else ())


def _more(effect: Effect, gates: tuple[str, ...]) -> Iterator[str]:
    if effect.after:
        yield f"  - first: {_said(effect.after)}"
    if gates:
        yield f"  - gates: {_said('; '.join(gates))}"


def _details(plan: Plan) -> Iterator[str]:
    lines = [line for c in plan.objects if c.fields for line in _fields(f"{c.kind} {c.name}", c.fields)]
    if lines:
        yield _folded("Changed fields", "diff", lines)
    children = [line for child in plan.children for line in _child(child, plan)]
    if children:
        yield _folded("Workflows and InferenceServices", "diff", children)


def _child(child: Child, plan: Plan) -> Iterator[str]:
    name = f"{child.object['kind']} {child.object['metadata']['name']}"
    if child.action == "Changed":
        yield from _fields(name, child.fields, plan.stand_ins)
    else:
        yield f"{SIGNS[child.action]} {name}"


def _fields(name: str, fields: tuple[FieldChange, ...], unknown: Iterable[str] = ()) -> Iterator[str]:
    yield f"@@ {name} @@"
    for field in fields:
        old, new = sides(field, unknown)
        yield from (f"{sign} {field.path}: {v}" for sign, v in (("-", old), ("+", new)) if v is not None)


def _folded(summary: str, language: str, lines: list[str]) -> str:
    """A block that is closed until somebody opens it; its fence is longer than any in it."""
    content = "\n".join(lines)
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    block = f"{fence}{language}\n{content}\n{fence}"
    return f"<details><summary>{summary}</summary>\n\n{block}\n\n</details>"


def _said(sentence: str) -> str:
    return _escaped(shortened(sentence))


def _escaped(text: str) -> str:
    """Text that is shown as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
