"""``training.seed``: makes a run repeat itself."""

import os
import random

from mlplane.training.context import current_script


def seed(default: int = 0) -> int:
    """Seed python, numpy and torch with the seed of the run, and choose algorithms that repeat themselves.

    Args:
        default: The seed outside of mlplane.

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
    # cuBLAS repeats itself only with this set before its first use.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=True)
    torch.backends.cudnn.benchmark = False
    return value
