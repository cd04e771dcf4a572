"""The state of a process's random generators, as ``training.checkpoints`` keeps it."""

import random
from typing import Any, cast


def random_state() -> dict[str, Any]:
    """The state of Python's, numpy's and torch's generators; of GPUs, of those that this process has."""
    import numpy as np
    import torch

    version, numbers, gauss = random.getstate()
    name, keys, *rest = cast("tuple[str, Any, int, int, float]", np.random.get_state(legacy=True))
    return {
        "python": (version, list(numbers), gauss),
        "numpy": (name, torch.tensor(keys.tolist(), dtype=torch.int64), *rest),
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state(device) for device in _devices()],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Go on from a state."""
    import numpy as np
    import torch

    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(_devices()) == len(state["cuda"]):
        torch.cuda.init()  # type: ignore[no-untyped-call]  # else a seed that waits comes later
        for device, known in zip(_devices(), state["cuda"], strict=True):
            torch.cuda.set_rng_state(known, device)


def _devices() -> list[int]:
    """All GPUs; of several processes, each has one."""
    import torch

    from mlplane.training.distributed import ranks

    if not torch.cuda.is_available():
        return []
    return list(range(torch.cuda.device_count())) if ranks().size == 1 else [torch.cuda.current_device()]
