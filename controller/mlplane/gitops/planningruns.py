"""Runs that would start, the gates that their models must meet, and the GPUs that they ask for. Pure.

Called by ``gitops.planning``.
"""

from collections import Counter
from collections.abc import Iterable

from mlplane import names
from mlplane.adapters import foretold
from mlplane.api.judgement import Gate
from mlplane.api.meta import Body
from mlplane.api.planned import Gpus, PlannedRun
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.capacity import Profile
from mlplane.gitops.foresight import owner_of
from mlplane.gitops.planningeffects import Futures


def planned_runs(futures: Futures) -> tuple[PlannedRun, ...]:
    """The runs that would start, by name."""
    owners = [owner for _, owner in futures.new_workflows() if owner["kind"] == "TrainingRun"]
    return tuple(_planned(futures, owner) for owner in sorted(owners, key=lambda o: o["metadata"]["name"]))


def _planned(futures: Futures, run: Body) -> PlannedRun:
    spec, name = TrainingRunSpec.model_validate(run["spec"]), run["metadata"]["name"]
    works = futures.answering.works.get(name, [])
    is_one = len(works) == 1 and works[0].is_known
    return PlannedRun(
        name=name,
        model=spec.model,
        run_key=works[0].key if is_one else None,
        is_stored=futures.answering.is_stored(name),
        trials=len(works) if spec.sweep else None,
        stored_trials=sum(bool(work.trained) for work in works) if spec.sweep else None,
        gpus=_gpus(spec),
        gpu_type=spec.gpu_type or "",
        gates=tuple(gate_sentence(gate) for gate in spec.evaluation.gates),
    )


def gate_sentence(gate: Gate) -> str:
    """What a gate wants, such as ``accuracy of slice small at least 0.85``."""
    bounds = (
        ("at least", gate.min, ""),
        ("at most", gate.max, ""),
        ("changed by at least", gate.min_change, " from the baseline"),
        ("changed by at most", gate.max_change, " from the baseline"),
        ("changed by at least", gate.min_relative_change, " of the baseline's value"),
        ("changed by at most", gate.max_relative_change, " of the baseline's value"),
    )
    wanted = " and ".join(f"{how} {bound}{of}" for how, bound, of in bounds if bound is not None)
    of_slice = f" of slice {gate.slice}" if gate.slice else ""
    warning = " (a warning only)" if gate.severity == "Warning" else ""
    return f"{gate.metric}{of_slice} {wanted}{warning}"


def capacity(futures: Futures, profile: Profile) -> tuple[Gpus, ...]:
    """GPUs by type: those of runs that go on, and those of all that would run, at most at one time.

    ModelServers ask for none.
    """
    before = _asked(_running(futures, futures.start.values()))
    stopped = {body["metadata"]["uid"] for body in _stopped(futures)}
    staying = [r for r in _running(futures, futures.start.values()) if r["metadata"]["uid"] not in stopped]
    starting = [
        owner
        for _, owner in futures.new_workflows()
        if owner["kind"] == "TrainingRun" and not futures.answering.is_stored(owner["metadata"]["name"])
    ]
    after = _asked([*staying, *starting])
    available: Counter[str] = Counter()
    for pool in profile.pools:
        available[pool.gpu_type or ""] += pool.gpus_per_node * pool.nodes
    return tuple(
        Gpus(gpu_type=kind, before=before[kind], after=after[kind], available=_available(available, kind))
        for kind in sorted({*before, *after})
    )


def _available(available: Counter[str], kind: str) -> int | None:
    """How many a profile has; any will do for a run that names no type."""
    if not available:
        return None
    return available[kind] if kind else sum(available.values())


def _running(futures: Futures, bodies: Iterable[Body]) -> list[Body]:
    """The runs whose Workflows are at work."""
    workflows = (b for b in bodies if b["kind"] == names.WORKFLOW_KIND and foretold.is_running(b))
    owners = (owner_of(workflow, futures.start) for workflow in workflows)
    return [owner for owner in owners if owner and owner["kind"] == "TrainingRun"]


def _stopped(futures: Futures) -> list[Body]:
    """The runs of the start that would not go on."""
    after = futures.changed.world.objects
    gone = [b for r, b in futures.start.items() if r.kind == "TrainingRun" and r not in after]
    shut = (b for b in after.values() if b["kind"] == names.WORKFLOW_KIND and foretold.is_stopped(b))
    return gone + [owner for workflow in shut if (owner := owner_of(workflow, after))]


def _asked(runs: Iterable[Body]) -> Counter[str]:
    asked: Counter[str] = Counter()
    for run in runs:
        spec = TrainingRunSpec.model_validate(run["spec"])
        if _gpus(spec):
            asked[spec.gpu_type or ""] += _gpus(spec)
    return asked


def _gpus(spec: TrainingRunSpec) -> int:
    """GPUs that a run holds at most at one time."""
    return (spec.gpus or 0) * (spec.sweep.parallelism if spec.sweep else 1)
