"""``training.save``: a trained model as files that can be served without the code that made them.

    model.pt2             the exported program, with its weights as raw bytes and nothing that runs on loading
    weights.safetensors   the weights alone
    signature.json        names, types and shapes of inputs and outputs
    sample.json           a few inputs and the outputs that they gave

The signature is written last: without it nothing was saved.
"""

import copy
import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplane.errors import InvalidInput
from mlplane.store.archive import inspect
from mlplane.training.context import current_run
from mlplane.training.distributed import ranks
from mlplane.training.documents import SIGNATURE, write_documents

if TYPE_CHECKING:
    import torch

PROGRAM = "model.pt2"
WEIGHTS = "weights.safetensors"
OUTPUT_ENV = "MLPLANE_OUTPUT"
SAMPLE_ROWS = 4


def save(
    model: "torch.nn.Module", sample: Mapping[str, "torch.Tensor"], outputs: Sequence[str] = ("output",)
) -> None:
    """Save a trained model as the result of the run. The last call counts; of several processes, the first's.

    Args:
        model: Takes the inputs by position and gives a tensor or a tuple of tensors; the size of the first
            dimension, the batch, is free in all of them. The first output is what the model is judged by.
        sample: Some rows of each input, in the order of ``forward``. An input is fed from the column of the
            dataset that has its name. The first four rows are kept beside the model.
        outputs: Names of the outputs.

    Raises:
        InvalidInput: the sample or the outputs are not what they should be.
        Terminal: the exported program has something that mlplane refuses to load.
    """
    if not ranks().is_main:
        return
    run = current_run()
    folder = run.output if run else os.environ.get(OUTPUT_ENV)
    if not folder:
        sys.stdout.write(
            f"outside of mlplane nothing is saved; set {OUTPUT_ENV} to a folder to see the files\n"
        )
        return
    save_to(Path(folder), model, sample, outputs)
    sys.stdout.write(f"saved {', '.join(sample)} -> {', '.join(outputs)} to {folder}\n")


def save_to(
    folder: Path, model: "torch.nn.Module", sample: Mapping[str, "torch.Tensor"], outputs: Sequence[str]
) -> None:
    """The same, to a given folder."""
    import torch
    from safetensors.torch import save_file

    inputs = _inputs(sample)
    frozen = copy_on_cpu(_plain(model)).eval()
    _check_devices(frozen)
    with torch.no_grad():
        program = _export(frozen, tuple(inputs.values()))
        given = _named_outputs(program.module()(*inputs.values()), outputs)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SIGNATURE).unlink(missing_ok=True)
    torch.export.save(program, folder / PROGRAM)
    inspect(folder / PROGRAM)
    weights = {name: tensor.contiguous().clone() for name, tensor in frozen.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    write_documents(folder, inputs, given)


def copy_on_cpu(model: "torch.nn.Module") -> "torch.nn.Module":
    """A copy of a model whose parameters and buffers are on the CPU.

    None of them is copied where it lies: beside its optimiser a model may fill most of a GPU.
    """
    import torch

    copies: dict[int, Any] = {}
    for tensor in itertools.chain(model.parameters(), model.buffers()):
        moved = tensor.detach().to("cpu", copy=True)
        is_parameter = isinstance(tensor, torch.nn.Parameter)
        copies[id(tensor)] = torch.nn.Parameter(moved, tensor.requires_grad) if is_parameter else moved
    return copy.deepcopy(model, copies)


def _plain(model: "torch.nn.Module") -> "torch.nn.Module":
    """The user's own module, out of what torch wraps around it to train."""
    import torch

    while True:
        if isinstance(model, torch.nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(model, torch._dynamo.OptimizedModule):  # noqa: SLF001  what torch.compile gives
            model = model._orig_mod  # noqa: SLF001
        else:
            return model


def _check_devices(model: "torch.nn.Module") -> None:
    """Parameters and buffers are moved, and no other tensor of a module."""
    import torch

    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.device.type != "cpu":
                where = f"{path}.{name}".lstrip(".")
                raise InvalidInput(
                    f"save(…): {where} of the model is a tensor on {value.device} that is neither parameter "
                    "nor buffer, so it does not move with the model; keep it with register_buffer"
                )


def _inputs(sample: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """The sample on the CPU, with at least two rows: torch would take a batch of one for a constant."""
    rows = {tensor.shape[0] if tensor.dim() else 0 for tensor in sample.values()}
    if len(rows) != 1 or 0 in rows:
        raise InvalidInput("the inputs of a sample must have one and the same number of rows, at least one")
    repeats = 2 if rows == {1} else 1
    return {name: _repeated(t.detach().cpu()[:SAMPLE_ROWS], repeats) for name, t in sample.items()}


def _repeated(tensor: "torch.Tensor", times: int) -> "torch.Tensor":
    return tensor.repeat(times, *([1] * (tensor.dim() - 1)))


def _export(model: "torch.nn.Module", inputs: tuple["torch.Tensor", ...]) -> "torch.export.ExportedProgram":
    """The program without what torch would pickle (sample inputs) and without paths of this machine."""
    import torch

    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(model, inputs, dynamic_shapes=tuple({0: batch} for _ in inputs))
    program.example_inputs = None
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program


def _named_outputs(result: Any, names: Sequence[str]) -> dict[str, "torch.Tensor"]:
    import torch

    tensors = (result,) if isinstance(result, torch.Tensor) else result
    if not isinstance(tensors, tuple) or not all(isinstance(t, torch.Tensor) for t in tensors):
        raise InvalidInput("the model must give a tensor or a tuple of tensors")
    if len(tensors) != len(names):
        raise InvalidInput(f"the model gives {len(tensors)} outputs; save(…, outputs=…) names {len(names)}")
    return dict(zip(names, tensors, strict=True))
