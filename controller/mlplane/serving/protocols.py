"""Bodies of the V1 protocol and of the Open Inference Protocol (V2) to tensors, and answers back.

V1 has ``instances``: rows of the single input, or an object for each row with one entry for each input.
V2 names its inputs and says shape and datatype of each. Pure; called by ``model``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import orjson

from mlplane.errors import InvalidInput
from mlplane.serving.tensors import Interface, tensor_of

Array = np.ndarray[Any, Any]


class V2Input(Protocol):
    """An input of a V2 request, as kserve gives it."""

    name: str
    shape: list[int]
    datatype: str
    data: Any


def v1_tensors(body: Any, interface: Interface) -> tuple[Array, ...]:
    """The tensors of a V1 request, in the order of the model's inputs.

    Raises:
        InvalidInput: The body does not fit the model; says what was found and what is allowed.
    """
    if isinstance(body, bytes):
        body = _parsed(body)
    if not isinstance(body, dict):
        raise InvalidInput(f'the body is {_kind(body)}; allowed: an object {{"instances": [...]}}')
    if "instances" not in body:
        raise InvalidInput(f'the body has {_keys(body)}; allowed: "instances"')
    rows = body["instances"]
    if not isinstance(rows, list) or not rows:
        raise InvalidInput(f'"instances" is {_kind(rows)}; allowed: a list with at least one row')
    if isinstance(rows[0], dict):
        return tuple(tensor_of(_column(rows, i.name, interface), i) for i in interface.inputs)
    if len(interface.inputs) > 1:
        raise InvalidInput(f"rows are {_kind(rows[0])}; allowed: objects with {_names(interface)}")
    return (tensor_of(rows, interface.inputs[0]),)


def v1_answer(outputs: Sequence[Array], interface: Interface) -> dict[str, Any]:
    """``predictions``: one for each row; an object by output name if the model has several outputs."""
    if len(outputs) == 1:
        return {"predictions": outputs[0].tolist()}
    columns = {spec.name: array.tolist() for spec, array in zip(interface.outputs, outputs, strict=True)}
    rows = zip(*columns.values(), strict=True)
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}


def v2_tensors(inputs: Sequence[V2Input], interface: Interface) -> tuple[Array, ...]:
    """The tensors of a V2 request, in the order of the model's inputs.

    Raises:
        InvalidInput: The inputs do not fit the model; says what was found and what is allowed.
    """
    given = {i.name: i for i in inputs}
    if given.keys() != {i.name for i in interface.inputs} or len(given) != len(inputs):
        raise InvalidInput(
            f"found inputs {_quoted([i.name for i in inputs])}; allowed: each of {_names(interface)} once"
        )
    return tuple(_v2_tensor(given[wanted.name], wanted) for wanted in interface.inputs)


def check_requested(names: Sequence[str], interface: Interface) -> None:
    """Refuse outputs that the model does not have.

    Raises:
        InvalidInput: Names them and those that it has.
    """
    known = [spec.name for spec in interface.outputs]
    if unknown := [name for name in names if name not in known]:
        raise InvalidInput(f"found requested outputs {_quoted(unknown)}; allowed: {_quoted(known)}")


def _v2_tensor(given: V2Input, wanted: Any) -> Array:
    if given.datatype != wanted.tensor.datatype:
        found, allowed = given.datatype[:32], wanted.tensor.datatype
        raise InvalidInput(f"input {wanted.name!r}: found datatype {found!r}; allowed: {allowed!r}")
    return tensor_of(given.data, wanted, tuple(given.shape))


def _column(rows: list[Any], name: str, interface: Interface) -> list[Any]:
    """One input out of rows that are objects."""
    names = {i.name for i in interface.inputs}
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or row.keys() != names:
            found = _keys(row) if isinstance(row, dict) else _kind(row)
            raise InvalidInput(f'"instances"[{index}] has {found}; allowed: exactly {_names(interface)}')
    return [row[name] for row in rows]


def _parsed(body: bytes) -> Any:
    """The JSON of a body whose content type kserve does not parse, such as one that names a charset."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error


def _kind(value: Any) -> str:
    match value:
        case []:
            return "an empty list"
        case list():
            return "a list"
        case dict():
            return "an object"
        case str():
            return "a string"
        case None:
            return "null"
        case bool():
            return "a boolean"
    return "a number"


def _keys(body: Mapping[Any, Any]) -> str:
    return _quoted([str(key) for key in body]) if body else "no fields"


def _names(interface: Interface) -> str:
    return _quoted([i.name for i in interface.inputs])


def _quoted(names: Sequence[str]) -> str:
    """Names for a message, cut where a client sent very many or very long ones."""
    shown = ", ".join(f'"{name[:63]}"' for name in names[:8])
    return shown + (", ..." if len(names) > 8 else "") if names else "none"
