"""A stored model becomes something that predicts, or a sentence that says why not.

In this order, so that nothing of the model is trusted before it was checked: the digest of all files, the
contents of the archive, loading, the signature against the program, and the stored sample, whose outputs
the loaded model must give again. Called by ``__main__`` before the server starts.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import torch

from mlplane.api.modelversion import Signature
from mlplane.errors import InvalidInput, Terminal
from mlplane.serving.tensors import DTYPES, Input, Interface, tensor_of
from mlplane.store.digest import digest_of
from mlplane.store.loading import load_program

_LOAD_ERRORS = (
    RuntimeError, ValueError, TypeError, AttributeError, AssertionError, LookupError, ArithmeticError,
)  # fmt: skip
"""What torch raises for archives that it cannot read or programs that it cannot run."""
_RELATIVE_TOLERANCE = 1e-3
_ABSOLUTE_TOLERANCE = 1e-4
"""Other processors round differently; anything beyond this is another model."""


class Predictor:
    """A loaded model."""

    def __init__(self, program: torch.export.ExportedProgram, signature: Signature) -> None:
        self.interface = _interface_of(program, signature)
        self._module = program.module()

    def __call__(self, tensors: Sequence[np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], ...]:
        """Predict.

        Args:
            tensors: One for each input of the interface, in order, checked already.

        Returns:
            One for each output of the interface, in order.

        Raises:
            InvalidInput: The inputs do not fit together in a way that the program itself checks.
        """
        try:
            with torch.inference_mode():
                result = self._module(*(torch.from_numpy(array) for array in tensors))
        except AssertionError as error:
            raise InvalidInput(f"the inputs do not fit together: {error}") from error
        outputs = (result,) if isinstance(result, torch.Tensor) else tuple(result)
        specs = self.interface.outputs
        if len(outputs) != len(specs):
            raise Terminal(f"the program gives {len(outputs)} outputs, signature.json names {len(specs)}")
        return tuple(
            output.cpu().numpy().astype(DTYPES[spec.datatype], copy=False)
            for output, spec in zip(outputs, specs, strict=True)
        )


def load_predictor(directory: Path, digest: str) -> Predictor:
    """Verify, load and prove the model in a directory.

    Args:
        directory: What ``store.download`` or the storage initialiser left there.
        digest: ``sha256:<hex>`` that its files must have.

    Raises:
        Terminal: The files are not those that were asked for, or not a model that can be served.
    """
    if not directory.is_dir():
        raise Terminal(f"there is no model directory {directory}; the storage initializer puts it there")
    if (found := digest_of(directory)) != digest:
        raise Terminal(f"the files in {directory} have the digest {found}; allowed: {digest}")
    signature = _signature(directory / "signature.json")
    predictor = Predictor(load_program(directory / "model.pt2"), signature)
    _prove(predictor, directory / "sample.json")
    return predictor


def _signature(path: Path) -> Signature:
    try:
        return Signature.model_validate_json(path.read_bytes())
    except (OSError, pydantic.ValidationError) as error:
        raise Terminal(f"{path.name} is not a signature: {error}") from error


def _interface_of(program: torch.export.ExportedProgram, signature: Signature) -> Interface:
    """The signature, with the sizes that the program was exported for."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
    declared = Interface.of(signature)
    if len(names) != len(declared.inputs):
        raise Terminal(f"the program takes {len(names)} inputs, signature.json names {len(declared.inputs)}")
    inputs = tuple(
        _bounded(wanted, values[name], program.range_constraints)
        for wanted, name in zip(declared.inputs, names, strict=True)
    )
    return replace(declared, inputs=inputs)


def _bounded(wanted: Input, value: Any, ranges: Any) -> Input:
    """An input with the sizes that the program allows where the signature allows any."""
    dtype = torch.from_numpy(np.empty(0, DTYPES[wanted.tensor.datatype])).dtype
    shape = wanted.tensor.shape
    if isinstance(value, torch.Tensor) and value.dtype == dtype and len(value.shape) == len(shape):
        allowed = tuple(_range_of(size, ranges) for size in value.shape)
        if all(own < 0 or _is_within(own, limits) for own, limits in zip(shape, allowed, strict=True)):
            bounds = (limits if own < 0 else (own, own) for own, limits in zip(shape, allowed, strict=True))
            return replace(wanted, bounds=tuple(bounds))
    found = f"{value.dtype} of shape {list(value.shape)}" if isinstance(value, torch.Tensor) else type(value)
    raise Terminal(
        f"input {wanted.name!r} of signature.json is {wanted.tensor.datatype} of shape {list(shape)}; "
        f"the program takes {found}"
    )


def _is_within(size: int, limits: tuple[int, int | None]) -> bool:
    least, most = limits
    return least <= size and (most is None or size <= most)


def _range_of(size: Any, ranges: Any) -> tuple[int, int | None]:
    """Least and greatest value of a size of an exported program, which is a number or a symbol."""
    if isinstance(size, int):
        return (size, size)
    limits = ranges.get(size.node.expr)
    if limits is None:
        return (0, None)
    most = int(limits.upper) if limits.upper.is_Integer else None
    return (int(limits.lower), most)


def _prove(predictor: Predictor, path: Path) -> None:
    """Give the stored inputs to the model: it must give the stored outputs again."""
    try:
        sample = json.loads(path.read_bytes())
        inputs = [tensor_of(sample["inputs"][i.name], i) for i in predictor.interface.inputs]
        wanted = [np.asarray(sample["outputs"][spec.name]) for spec in predictor.interface.outputs]
    except (OSError, ValueError, KeyError, TypeError, InvalidInput) as error:
        raise Terminal(
            f"{path.name} is not a sample of inputs and outputs of the model: {error!r}"
        ) from error
    try:
        outputs = predictor(inputs)
    except _LOAD_ERRORS as error:
        raise Terminal(f"the model fails on its own sample: {type(error).__name__}: {error}") from error
    for spec, output, expected in zip(predictor.interface.outputs, outputs, wanted, strict=True):
        if output.shape != expected.shape or not np.allclose(
            output, expected, _RELATIVE_TOLERANCE, _ABSOLUTE_TOLERANCE, equal_nan=True
        ):
            raise Terminal(
                f"output {spec.name!r} differs from {path.name}: this is not the model that was evaluated, "
                "or this machine computes otherwise"
            )
