"""Load the exported program of a stored model, once it is sure that loading runs nothing that came with it.

Called by ``steps.evaluate`` and by the predictor.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.errors import Terminal
from mlplane.store.archive import inspect, inspect_members

if TYPE_CHECKING:
    import torch


def load_program(path: Path) -> "torch.export.ExportedProgram":
    """Load an archive; it is looked at twice, for two readers of zip files may see different members.

    Raises:
        Terminal: it has more than an exported program with raw tensors, or torch cannot load it.
    """
    import torch

    inspect(path)
    try:
        reader = torch._C.PyTorchFileReader(str(path))  # noqa: SLF001  what torch.export.load reads with
        sizes = {name: reader.get_record_size(name) for name in reader.get_all_records()}
        inspect_members(sizes, reader.get_record)
        program = torch.export.load(path)
    except Terminal:
        raise
    except Exception as error:  # torch raises whatever it stumbles over
        raise Terminal(f"{path.name} cannot be loaded: {type(error).__name__}: {error}") from error
    _check_devices(program, path.name)
    return program


def _check_devices(program: "torch.export.ExportedProgram", name: str) -> None:
    """Where a tensor is made stands in a program; it is judged and served on the CPU."""
    import torch

    for node in program.graph.nodes:
        made = node.meta.get("val")
        if isinstance(made, torch.Tensor) and made.device.type != "cpu":
            raise Terminal(
                f"{name} makes {node.name} on {made.device}: it has to run on the CPU; make tensors on the "
                "device of an input, or move the program by torch.export.passes.move_to_device_pass"
            )
