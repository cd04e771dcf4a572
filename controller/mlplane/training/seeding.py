"""``training.seed``: makes a run repeat itself."""

import os
import random

from mlplane.training.context import current_script


def seed(default: int = 0, *, deterministic: bool = True) -> int:
    """Seed python, numpy and torch with the seed of the run, and choose algorithms that repeat themselves.

    Args:
        default: The seed outside of mlplane.
        deterministic: Whether torch may use only algorithms that repeat themselves bit by bit; it refuses an
            operation that has none. With False a GPU may be faster, and its sums differ in the last digits.

    Returns:
        The seed, for what a script seeds by itself.
    """
    import numpy as np
    import torch

    run = current_script()
    value = run.seed if run else default
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
    if deterministic:
        # cuBLAS repeats itself only with this set before its first use.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    return value
