"""What is changed in a run's Workflow after it was made: it is told to stop, or when it is to be deleted.

Only these fields are applied, and only where they are not as they should be. Called by
``reconcilers.trainingrun`` and ``reconcilers.suspension``.
"""

from mlplane import names
from mlplane.api import Body
from mlplane.api.reading import at

SHUTDOWN = "Terminate"
"""Ends all pods at once: SIGTERM, and SIGKILL when their grace period is over; no exit handler is run."""


def is_suspended(workflow: Body) -> bool:
    """Whether it was told to stop because its run is suspended; not if a person has stopped it."""
    return at(workflow, "metadata", "annotations", names.SUSPENDED_ANNOTATION) is not None


def suspended(workflow: Body) -> Body:
    """The Workflow's fields, with which it is told to stop."""
    return _fields(workflow, suspend=True, ttl=ttl_of(workflow))


def expiring(workflow: Body, seconds: int | None) -> Body:
    """The Workflow's fields, with which it is deleted so many seconds after its end; None: it stays."""
    return _fields(workflow, suspend=is_suspended(workflow), ttl=seconds)


def ttl_of(workflow: Body) -> int | None:
    """Seconds after its end for which the Workflow stays; None if it is not deleted."""
    seconds = at(workflow, "spec", "ttlStrategy", "secondsAfterCompletion")
    return seconds if isinstance(seconds, int) else None


def _fields(workflow: Body, *, suspend: bool, ttl: int | None) -> Body:
    """All that is ever applied: what was applied before and is left out is taken back by the server."""
    meta = workflow["metadata"]
    metadata = {key: meta[key] for key in ("name", "namespace", "resourceVersion") if key in meta}
    spec: Body = {} if ttl is None else {"ttlStrategy": {"secondsAfterCompletion": ttl}}
    if suspend:
        metadata["annotations"] = {names.SUSPENDED_ANNOTATION: "true"}
        spec["shutdown"] = SHUTDOWN
    return {
        "apiVersion": workflow["apiVersion"],
        "kind": workflow["kind"],
        "metadata": metadata,
        "spec": spec,
    }
