"""``training.device`` and ``training.autocast``: the same script on a GPU and without one."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from mlplane import names
from mlplane.errors import SystemFault
from mlplane.training.endings import tell_endings

if TYPE_CHECKING:
    import torch

LOCAL_RANK_ENV = "LOCAL_RANK"
"""Number of a process on its machine, as torchrun tells it."""


def device() -> "torch.device":
    """The GPU of this process, or the CPU where torch sees none.

    Under torchrun, each process of a machine has a GPU of its own.

    Raises:
        SystemFault: the run has asked for more GPUs than torch sees.
    """
    import torch

    _check_gpus()
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get(LOCAL_RANK_ENV, "0")) % torch.cuda.device_count())


def _check_gpus() -> None:
    """Without this a run that has waited for GPUs would train on the CPU, and nobody would know.

    Raises:
        SystemFault: the run has asked for more GPUs than torch sees.
    """
    import torch

    tell_endings()
    asked = int(os.environ.get(names.GPUS_ENV) or 0)
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if found >= asked:
        return
    built = torch.version.cuda or torch.version.hip
    why = (
        f"it was built for CUDA {built}: the node's driver may be too old for that, or the container is "
        "started without it (the runtime class, LD_LIBRARY_PATH)"
        if built
        else "it was built without CUDA: spec.image has to name an image with a torch that has it"
    )
    raise SystemFault(f"the run asks for GPUs: {asked}; torch {torch.__version__} sees {found}; {why}")


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
