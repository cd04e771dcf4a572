"""How a script ends for a reason that is not its code: by an exit code that the step which runs it reads.

``tell_endings`` is called where a script asks for a GPU or for the processes that it trains with.
"""

import sys
from types import TracebackType

from mlplane.errors import SystemFault

GPU_MEMORY, GPU_FAULT, SURROUNDINGS = 76, 77, 78
"""The GPU's memory ran out; the GPU fails; what the script runs in is not as it has to be (EX_CONFIG)."""
_FAULTS = {46, 100, 214, 220, 802, 803}
"""Codes of CUDA (``cudaError_t``) that say so of GPU or driver: it is taken or gone, its memory or its links
have errors, driver and libraries do not fit. Others, such as a bad address, are mostly the code's."""


def tell_endings() -> None:
    """From now on an error that nobody has caught is printed as ever, and ends the script with its code.

    Of several such hooks the one that was set last ends it: torch sets one when processes are joined, which
    keeps back what is printed until it is done.
    """
    previous = sys.excepthook
    if getattr(previous, "__module__", "") == __name__:
        return

    def print_and_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        previous(kind, error, trace)
        if sys.excepthook is print_and_end:
            sys.exit(exit_code(error))

    sys.excepthook = print_and_end


def exit_code(error: BaseException) -> int:
    """The exit code for an error; 1 for those of the script."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return GPU_MEMORY
    if torch is not None and isinstance(error, torch.AcceleratorError):
        return GPU_FAULT if getattr(error, "error_code", None) in _FAULTS else 1
    return SURROUNDINGS if isinstance(error, SystemFault) else 1
