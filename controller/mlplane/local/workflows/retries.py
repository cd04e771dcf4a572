"""When a step is tried again: pure, as Argo decides it."""

from mlplane.api import Body

FAILED = ("Failed", "Error")
DONE = ("Succeeded", "Skipped", *FAILED)

_POLICY_FOR = {"Error": "OnError", "Failed": "OnFailure"}


def after(attempts: list[Body], strategy: Body, shutdown: str) -> tuple[str, str, bool]:
    """What a Retry node comes to.

    Args:
        attempts: Its nodes so far, at least one.
        strategy: The template's retryStrategy.
        shutdown: How the Workflow is shut down; empty if it is not.

    Returns:
        Phase and message of the Retry node, and whether there is to be another attempt.
    """
    phase, message = attempts[-1]["phase"], attempts[-1].get("message", "")
    if phase not in FAILED:
        return ("Succeeded" if phase in DONE else "Running"), "", False
    if shutdown:
        return phase, f"Stopped with strategy '{shutdown}'", False
    if (strategy.get("retryPolicy") or "OnFailure") not in ("Always", _POLICY_FOR[phase]):
        return phase, message, False
    limit = strategy.get("limit")
    if limit is not None and len(attempts) > int(limit):
        return phase, "No more retries left", False
    return "Running", "", True
