"""What a container may use, from its ``resources.limits``. Pure."""

import math

from mlplane.api import Body
from mlplane.api.quantities import is_quantity, quantity


def cpus_of(container: Body) -> int | None:
    """Threads that a container should compute with; None if it has no limit."""
    cpus = _limit(container, "cpu")
    return None if cpus is None else max(1, math.ceil(quantity(cpus)))


def memory_of(container: Body) -> int | None:
    """Bytes of memory that a container may use; None if it has no limit."""
    memory = _limit(container, "memory")
    return None if memory is None else int(quantity(memory))


def _limit(container: Body, resource: str) -> str | None:
    amount = ((container.get("resources") or {}).get("limits") or {}).get(resource)
    return str(amount) if amount is not None and is_quantity(str(amount)) else None
