"""A model that was exported elsewhere, as the files of a model version.

Called by ``mlplane import``. What comes in is not trusted: nothing of it is unpickled, nothing is run before
it has been looked at, and what an archive holds beside program and tensors is left behind.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplane.api.modelversion import Signature
from mlplane.errors import InvalidInput
from mlplane.store.loading import load_program
from mlplane.training.documents import SAMPLE, SIGNATURE, write_documents
from mlplane.training.export import PROGRAM, SAMPLE_ROWS, WEIGHTS

if TYPE_CHECKING:
    import torch

_SAMPLE_INPUTS = "data/sample_inputs/model.pt"
_SERIALIZATION_ID = ".data/serialization_id"


def import_model(source: Path, sample: Path | None, outputs: tuple[str, ...], folder: Path) -> Signature:
    """Make the files of a model version.

    Args:
        source: A folder that ``mlplane.training.save`` wrote, or an archive of ``torch.export.save``.
        sample: For an archive: a JSON file ``{"inputs": {"name": [[…], …]}}``, inputs in the order in which
            the program takes them; the names are those of the model version.
        outputs: For an archive: names of the outputs, in their order.
        folder: Where the files go; empty.

    Raises:
        InvalidInput: the sample does not fit the program, or is missing.
        Terminal: the archive holds what mlplane refuses to load.
    """
    if source.is_dir():
        return _copied(source, folder)
    if sample is None:
        raise InvalidInput(
            f"{source.name} does not say what it takes: give --sample FILE with a JSON document such as "
            '{"inputs": {"pixels": [[0, 1], [2, 3]]}}'
        )
    _without_pickle(source, folder / PROGRAM)
    program = load_program(folder / PROGRAM)
    given = _sample(sample)
    answers = _answers(program, given, outputs)
    _write_weights(program, folder / WEIGHTS)
    return write_documents(folder, given, answers)


def _copied(source: Path, folder: Path) -> Signature:
    for name in (PROGRAM, WEIGHTS, SAMPLE, SIGNATURE):
        if not (source / name).is_file():
            raise InvalidInput(f"{source} has no {name}: give a folder that mlplane.training.save wrote")
        shutil.copyfile(source / name, folder / name)
    try:
        return Signature.model_validate_json((folder / SIGNATURE).read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{source / SIGNATURE} is not a signature: {error}") from error


def _without_pickle(source: Path, target: Path) -> None:
    """Copy an archive record by record; the pickled sample inputs become an empty record."""
    import torch

    try:
        reader = torch._C.PyTorchFileReader(str(source))  # noqa: SLF001  what torch.export.load reads with
        writer = torch._C.PyTorchFileWriter(str(target))  # noqa: SLF001  and torch.export.save writes with
        for name in reader.get_all_records():
            if name == _SERIALIZATION_ID:
                continue  # the writer works it out anew
            content = b"" if name == _SAMPLE_INPUTS else reader.get_record(name)
            writer.write_record(name, content, len(content))
        writer.write_end_of_file()
    except (RuntimeError, OSError) as error:
        raise InvalidInput(f"{source} is no archive of torch.export.save: {error}") from error


def _sample(path: Path) -> dict[str, "torch.Tensor"]:
    import torch

    try:
        inputs = json.loads(path.read_bytes())["inputs"]
        arrays = {name: _numbers(rows[:SAMPLE_ROWS]) for name, rows in inputs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidInput(
            f'{path} is no sample such as {{"inputs": {{"x": [[1.5]]}}}}: {error!r}'
        ) from error
    if len({len(array) for array in arrays.values()}) != 1 or not all(map(len, arrays.values())):
        raise InvalidInput(f"the inputs in {path} must have one and the same number of rows, at least one")
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _numbers(rows: list[Any]) -> "np.ndarray[Any, Any]":
    array = np.asarray(rows)
    if array.ndim == 0 or array.dtype.kind not in "iufb":
        raise TypeError("an input is a list with a number, or a list of numbers, for each row")
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int64)


def _answers(
    program: "torch.export.ExportedProgram", given: dict[str, "torch.Tensor"], names: tuple[str, ...]
) -> dict[str, "torch.Tensor"]:
    """The outputs for the sample; each input is brought to the type that the program wants."""
    import torch

    wanted = [n.meta["val"] for n in program.graph.nodes if n.name in program.graph_signature.user_inputs]
    if len(wanted) != len(given):
        raise InvalidInput(f"the program takes {len(wanted)} inputs; the sample has {len(given)}")
    for (name, tensor), meta in zip(list(given.items()), wanted, strict=True):
        given[name] = tensor.to(meta.dtype)
    try:
        with torch.inference_mode():
            result = program.module()(*given.values())
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise InvalidInput(f"the program does not take the sample: {error}") from error
    tensors = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    if odd := [type(tensor).__name__ for tensor in tensors if not isinstance(tensor, torch.Tensor)]:
        raise InvalidInput(f"the program gives {', '.join(odd)}; it must give a tensor, or a list of them")
    if len(tensors) != len(names):
        raise InvalidInput(f"the program gives {len(tensors)} outputs; --output names {len(names)}")
    return dict(zip(names, tensors, strict=True))


def _write_weights(program: "torch.export.ExportedProgram", path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: t.detach().contiguous().clone() for name, t in program.state_dict.items()}, path)
