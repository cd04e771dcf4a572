"""Phases of nodes. Pure."""

from mlplane.api import Body

FAILED = ("Failed", "Error")
COMPLETED = ("Succeeded", *FAILED)
"""It ran."""
DONE = (*COMPLETED, "Skipped", "Omitted")
"""Nothing more comes of it."""


def is_done(node: Body) -> bool:
    """Whether nothing more comes of a node."""
    return node["phase"] in DONE


def has_failed(node: Body) -> bool:
    """Whether a node has failed or is an error."""
    return node["phase"] in FAILED


def is_hook(node: Body) -> bool:
    """Whether a node is that of a hook or an exit handler."""
    return bool((node.get("nodeFlag") or {}).get("hooked"))


def is_attempt(node: Body) -> bool:
    """Whether a node is one attempt of a Retry node."""
    return bool((node.get("nodeFlag") or {}).get("retried"))


def continues_on(caller: Body, phase: str) -> bool:
    """Whether a step or task lets its failure pass."""
    allowed = caller.get("continueOn") or {}
    return (phase == "Failed" and bool(allowed.get("failed"))) or (
        phase == "Error" and bool(allowed.get("error"))
    )
