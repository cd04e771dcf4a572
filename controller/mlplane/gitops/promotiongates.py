"""What must hold before a version is promoted, each answer with what to do next. Pure.

The names are those under which forges show them, ``mlplane/<name>``; they never change, for branch protection
names them. Called by ``gitops.promoting`` and ``gitops.promotionchecks``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from mlplane.api import Evaluation
from mlplane.api.judgement import PinnedRef
from mlplane.api.promotion import Environment
from mlplane.gitops.freezes import frozen_at
from mlplane.gitops.pinhistory import Move
from mlplane.gitops.trailers import RE_PROMOTE

Name = Literal["schema", "pinned", "lineage", "evaluation", "baseline", "plan", "policy", "soak", "freeze"]
NAMES: tuple[Name, ...] = (
    "schema",
    "pinned",
    "lineage",
    "evaluation",
    "baseline",
    "plan",
    "policy",
    "soak",
    "freeze",
)
State = Literal["Passed", "Failed", "Warning"]


class Gate(NamedTuple):
    """What came of one question."""

    name: Name
    state: State
    message: str
    """One sentence; where it failed, with what to do."""


def passed(name: Name, message: str) -> Gate:
    """A gate that is met."""
    return Gate(name, "Passed", message)


def failed(name: Name, message: str) -> Gate:
    """A gate that is not."""
    return Gate(name, "Failed", message)


def merged(gates: Iterable[Gate]) -> list[Gate]:
    """One gate for each name that was asked, in the order of the names; the worst answers decide."""
    found = list(gates)
    return [
        _worst([g for g in found if g.name == name]) for name in NAMES if any(g.name == name for g in found)
    ]


def complete(gates: Iterable[Gate]) -> list[Gate]:
    """All gates, in their order: a forge waits for ever for one that is not told."""
    found = merged(gates)
    known = {gate.name: gate for gate in found}
    broken = [f"mlplane/{gate.name}" for gate in found if gate.state == "Failed"]
    return [known.get(name) or _unasked(name, broken) for name in NAMES]


def _unasked(name: Name, broken: Sequence[str]) -> Gate:
    if broken:
        return failed(name, f"not judged yet: see to {', '.join(broken)} first")
    return passed(name, "no version goes anywhere")


def _worst(gates: Sequence[Gate]) -> Gate:
    for state in ("Failed", "Warning", "Passed"):
        if those := [gate.message for gate in gates if gate.state == state]:
            return Gate(gates[0].name, state, "; ".join(dict.fromkeys(those)))
    raise ValueError("no gate")


def evaluation_gate(version: str, evaluations: Sequence[Evaluation], problems: Sequence[str]) -> Gate:
    """Whether a version has passed, and what proves it is what the store says.

    Args:
        version: Its name.
        evaluations: Those that count, each with its outcome.
        problems: What is wrong with what is recorded of them.
    """
    if not evaluations:
        return failed("evaluation", f"no Evaluation speaks of {version}: have it judged first")
    if problems:
        return failed("evaluation", f"{'; '.join(problems)}: restore what was recorded, or judge it again")
    for each in evaluations:
        if each.status.verdict != "Passed":
            said = each.status.verdict or "has no verdict"
            return failed("evaluation", f"{each.name} of {version} is {said}: promote a version that passed")
    return passed("evaluation", f"{version} has passed {', '.join(each.name for each in evaluations)}")


def soak_gate(
    environment: Environment, source: str, ready_since: datetime | None, why: str, now: datetime
) -> Gate:
    """Whether a version was ready for long enough in the environment before.

    Args:
        environment: Where it is to go.
        source: Name of the environment before.
        ready_since: Since when it is ready there; None if it is not, or if that is not known.
        why: Why it is not known.
        now: The present.
    """
    hours = environment.requires.soak_hours if environment.requires else None
    if not hours:
        return passed("soak", f"{environment.name} asks for no time in {source}")
    if ready_since is None:
        return failed("soak", f"{environment.name} asks for {hours} h in {source}, and {why}")
    over = ready_since + timedelta(hours=hours)
    if now < over:
        return failed("soak", f"not ready in {source} for {hours} h yet: promote it after {_time(over)}")
    return passed("soak", f"ready in {source} since {_time(ready_since)}")


def freeze_gate(environment: Environment, now: datetime) -> Gate:
    """Whether nothing is promoted to the environment at present."""
    frozen = frozen_at(environment.requires.freeze if environment.requires else (), now)
    if frozen is None:
        return passed("freeze", f"{environment.name} is open")
    return failed(
        "freeze",
        f"{environment.name} is frozen by {frozen.name} until {_time(frozen.until)}: promote it then, or "
        "change promotion.yaml",
    )


def hold_gate(pin: PinnedRef, reverted: Move | None, newer: Sequence[str], *, is_let_again: bool) -> Gate:
    """Whether a version was taken back on the main branch, and nothing has spoken for it since.

    Args:
        pin: The version.
        reverted: What took it back; None if nothing did.
        newer: Names of the evaluations that it has passed since.
        is_let_again: Whether a person has said ``Re-promote`` since.
    """
    if reverted is None:
        return passed("policy", f"{pin.name} was not taken back")
    if is_let_again:
        return passed("policy", f"{pin.name} was taken back, and a person lets it go on")
    if newer:
        return passed("policy", f"{pin.name} was taken back, and has passed {', '.join(newer)} since")
    let = f"let it go on by a commit on the main branch with the trailer {RE_PROMOTE}: {pin.digest}"
    return failed("policy", f"{pin.name} was taken back by {reverted.commit[:12]}: judge it again, or {let}")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
