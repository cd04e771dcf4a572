"""What stands beside an exported program: the names, types and shapes of its tensors, and a sample of them.

Called by ``training.save`` and by the import of a model that was exported elsewhere.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from mlplane.api.modelversion import Signature, Tensor
from mlplane.errors import InvalidInput

if TYPE_CHECKING:
    import torch

SIGNATURE = "signature.json"
SAMPLE = "sample.json"
_DATATYPES: dict[str, Literal["FP32", "FP64", "INT32", "INT64"]] = {
    "torch.float32": "FP32",
    "torch.float64": "FP64",
    "torch.int32": "INT32",
    "torch.int64": "INT64",
}


def write_documents(
    folder: Path, inputs: Mapping[str, "torch.Tensor"], outputs: Mapping[str, "torch.Tensor"]
) -> Signature:
    """Write sample and signature; the signature last, for without it nothing was saved.

    Args:
        folder: Of the model.
        inputs: A few rows of each input, in the order in which the program takes them.
        outputs: What the program answered.

    Raises:
        InvalidInput: a tensor has a type or a name that a model cannot have.
    """
    signature = Signature(inputs=_tensors(inputs), outputs=_tensors(outputs))
    sample = {"inputs": _rows(inputs), "outputs": _rows(outputs)}
    (folder / SAMPLE).write_text(json.dumps(sample) + "\n", encoding="ascii")
    (folder / SIGNATURE).write_text(json.dumps(signature.to_body(), indent=1) + "\n", encoding="ascii")
    return signature


def _tensors(named: Mapping[str, "torch.Tensor"]) -> tuple[Tensor, ...]:
    return tuple(_tensor(name, tensor) for name, tensor in named.items())


def _tensor(name: str, tensor: "torch.Tensor") -> Tensor:
    """Name, type and shape; the batch may have any size."""
    datatype = _DATATYPES.get(str(tensor.dtype))
    if datatype is None:
        allowed = ", ".join(_DATATYPES)
        raise InvalidInput(f"tensor {name} is {tensor.dtype}; a model takes and gives {allowed}")
    try:
        return Tensor(name=name, datatype=datatype, shape=(-1, *tensor.shape[1:]))
    except ValidationError as error:
        raise InvalidInput(f"tensor {name!r}: {error.errors()[0]['msg']}") from error


def _rows(named: Mapping[str, "torch.Tensor"]) -> dict[str, Any]:
    return {name: tensor.tolist() for name, tensor in named.items()}
