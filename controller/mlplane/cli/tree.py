"""What ``mlplane status`` says, worked out: which object came from which, how each is, what to do next. Pure.

    Dataset
    └── TrainingRun
        └── ModelVersion
            └── ModelServer

An object whose origin is gone, or not there yet, stands under the nearest one that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from mlplane import names
from mlplane.api.conditions import is_current, is_true, of
from mlplane.api.meta import Body

State = Literal["ready", "working", "waiting", "failed"]
_WORKING = (names.INGESTING, names.RUNNING, names.SUSPENDING, names.DEPLOYING, names.ROLLING_OUT)


@dataclass(frozen=True)
class Node:
    """An object as a person sees it."""

    kind: str
    name: str
    state: State
    reason: str
    facts: str
    """What is known of it, in a few words."""
    message: str
    """Why it is not ready; empty if it is."""
    hint: str
    """Command to type next; empty if there is none."""
    age: str
    children: tuple["Node", ...] = ()


def tree(bodies: Iterable[Body], now: datetime) -> tuple[Node, ...]:
    """The objects of one namespace as trees, by kind and name; evaluations show in their model version."""
    everything = sorted(bodies, key=lambda body: (body["kind"], body["metadata"]["name"]))
    children: dict[tuple[str, str], list[Body]] = {}
    roots: list[Body] = []
    for body in everything:
        if body["kind"] in _PARENTS:
            parent = _PARENTS[body["kind"]](body, everything)
            (children.setdefault(_key(parent), []) if parent else roots).append(body)
    order = list(_PARENTS)
    return tuple(
        _grown(root, children, now) for root in sorted(roots, key=lambda body: order.index(body["kind"]))
    )


def is_settled(nodes: Iterable[Node]) -> bool:
    """Whether everything is as it should be."""
    return all(node.state == "ready" and is_settled(node.children) for node in nodes)


def age_of(body: Body, now: datetime) -> str:
    """Time since the object was created, as kubectl writes it: 45s, 12m, 3h, 8d."""
    created = body["metadata"].get("creationTimestamp")
    return duration(now - moment(created)) if created else ""


def duration(span: timedelta) -> str:
    """A time span in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size, limit in (("s", 1, 120), ("m", 60, 120), ("h", 3600, 48)):
        if seconds // size < limit:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def moment(text: str) -> datetime:
    """A time as Kubernetes writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _grown(body: Body, children: dict[tuple[str, str], list[Body]], now: datetime) -> Node:
    below = tuple(_grown(child, children, now) for child in children.get(_key(body), ()))
    return replace(_node(body, now), children=below)


def _node(body: Body, now: datetime) -> Node:
    state, reason, message = _state(body)
    return Node(
        kind=body["kind"],
        name=body["metadata"]["name"],
        state=state,
        reason=reason,
        facts=_FACTS[body["kind"]](body),
        message="" if state == "ready" else message,
        hint=_hint(body, state, reason),
        age=age_of(body, now),
    )


def _state(body: Body) -> tuple[State, str, str]:
    """State, reason and message of an object, from its conditions alone."""
    ready = of(body, names.READY)
    if ready is None:
        return "waiting", "Pending", "no controller has looked at it yet: see that `mlplane up` is running"
    approved = of(body, names.APPROVED)
    if approved and approved["status"] != "True":
        state: State = "failed" if approved["reason"] == names.GATE_FAILED else "waiting"
        return state, approved["reason"], approved["message"]
    if is_true(body, names.STALLED):
        return "failed", ready["reason"], ready["message"]
    if is_current(body) and not is_true(body, names.RECONCILING):
        return "ready", (approved or ready)["reason"], ready["message"]
    return "working" if ready["reason"] in _WORKING else "waiting", ready["reason"], ready["message"]


def _hint(body: Body, state: State, reason: str) -> str:
    name = body["metadata"]["name"]
    match body["kind"], state, reason:
        case "TrainingRun", "working", _:
            return f"mlplane logs {name} --follow"
        case "TrainingRun", "waiting", names.SUSPENDED:
            return f"remove suspend from the manifest of {name}, and commit"
        case "TrainingRun", "ready", _ if (body.get("status") or {}).get("trials"):
            return f"mlplane metrics {name}"
        case "TrainingRun", "failed", _:
            return f"mlplane logs {name}"
        case "ModelServer", "ready", _:
            return f"mlplane predict {name} --input FILE"
        case "Dataset", "failed", names.INGEST_FAILED:
            return f"mlplane logs dataset/{name}"
    return ""


def _dataset_facts(body: Body) -> str:
    status = body.get("status") or {}
    splits = ", ".join(f"{split['name']} {split['rows']}" for split in status.get("splits") or ())
    rows = f"{status['rows']} rows" if "rows" in status else ""
    return _joined(rows, splits, short(status.get("digest", "")))


def _run_facts(body: Body) -> str:
    status = body.get("status") or {}
    progress = f"progress {status['progress']}" if status.get("progress") else ""
    end = f"done about {status['estimatedCompletion']}" if status.get("estimatedCompletion") else ""
    restarts = f"{status['restarts']} restarts" if status.get("restarts") else ""
    verdict = f"verdict {status['verdict']}" if status.get("verdict") else ""
    return _joined(progress, end, restarts, _trials(status), verdict)


def _trials(status: Body) -> str:
    """How the trials of a sweep did; ``mlplane metrics`` has the table."""
    trials, best = status.get("trials") or [], status.get("bestTrial")
    failed = sum(trial.get("state") == "Failed" for trial in trials)
    score = next((trial.get("score") for trial in trials if trial.get("index") == best), None)
    said = f"{len(trials)} trials" + (f", {failed} failed" if failed else "") if trials else ""
    return _joined(said, f"best {best}" + (f": {score}" if score else "") if best else "")


def _version_facts(body: Body) -> str:
    approved = (of(body, names.APPROVED) or {}).get("message", "")
    said = approved if is_true(body, names.APPROVED) else ""
    return _joined(short(body["spec"]["artifact"]["digest"]), said)


def _server_facts(body: Body) -> str:
    status = body.get("status") or {}
    return str(status.get("url") or "")


def short(digest: str) -> str:
    """The first characters of a digest, enough for a person to tell two apart."""
    return digest.removeprefix("sha256:")[:8]


def _joined(*facts: str) -> str:
    return " · ".join(fact for fact in facts if fact)


def _run_parent(body: Body, everything: Sequence[Body]) -> Body | None:
    return _find(everything, "Dataset", body["spec"]["dataset"]["name"])


def _version_parent(body: Body, everything: Sequence[Body]) -> Body | None:
    lineage = body["spec"]["lineage"]
    made = _find(everything, "TrainingRun", lineage["run"]["name"])
    return made or _find(everything, "Dataset", lineage["dataset"]["name"])


def _server_parent(body: Body, everything: Sequence[Body]) -> Body | None:
    status, spec = body.get("status") or {}, body["spec"]
    pinned = status.get("modelVersion") or spec.get("modelVersion") or {}
    if found := _find(everything, "ModelVersion", pinned.get("name", "")):
        return found
    model = (spec.get("follow") or {}).get("model")
    runs = [b for b in everything if b["kind"] == "TrainingRun" and b["spec"]["model"] == model]
    return max(runs, key=lambda run: str(run["metadata"].get("creationTimestamp")), default=None)


def _no_parent(_body: Body, _everything: Sequence[Body]) -> Body | None:
    return None


_PARENTS = {
    "Dataset": _no_parent,
    "TrainingRun": _run_parent,
    "ModelVersion": _version_parent,
    "ModelServer": _server_parent,
}
_FACTS = {
    "Dataset": _dataset_facts,
    "TrainingRun": _run_facts,
    "ModelVersion": _version_facts,
    "ModelServer": _server_facts,
}


def _find(everything: Sequence[Body], kind: str, name: str) -> Body | None:
    return next((b for b in everything if _key(b) == (kind, name)), None)


def _key(body: Body) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]
