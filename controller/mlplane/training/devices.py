"""``training.device`` and ``training.autocast``: the same script on a GPU and without one."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LOCAL_RANK_ENV = "LOCAL_RANK"
"""Number of a process on its machine, as torchrun tells it."""


def device() -> "torch.device":
    """The GPU of this process, or the CPU where torch sees none.

    Under torchrun, each process of a machine has a GPU of its own.
    """
    import torch

    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get(LOCAL_RANK_ENV, "0")) % torch.cuda.device_count())


def autocast() -> AbstractContextManager[None]:
    """Compute in bfloat16 where that is faster and safe; for the forward pass and the loss.

        with training.autocast():
            loss = loss_of(model(inputs), label)
        loss.backward()

    bfloat16 has the range of float32, so no gradient scaler is needed. On the CPU, and on a GPU that has no
    bfloat16 of its own, nothing changes.
    """
    import torch

    if torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
