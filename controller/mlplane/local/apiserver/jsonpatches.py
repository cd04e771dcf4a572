"""JSON patch (RFC 6902), with the peculiarities of the real server's library.

``patches`` exports it. A missing value is null to ``test``, indices may be negative, a path need not begin
with a slash; whatever fails on the way has one message.
"""

from collections.abc import Callable
from typing import Any

import orjson

from mlplane.local.apiserver.gojson import type_name
from mlplane.local.apiserver.statuses import ApiError, Body, bad_request

_MAX_OPERATIONS = 10_000
_FIELDS = frozenset(("op", "path", "from", "value"))
_MISSING: Any = object()


class _Unfit(Exception):
    """The operation does not fit the document."""


def json_patch(target: Body, ops: Any) -> Any:
    """Apply a JSON patch.

    Args:
        target: The document, which stays as it is.
        ops: The operations.

    Raises:
        ApiError: 400 when it is no JSON patch; 413 when it is too long; 422 when it does not fit.
    """
    _refuse_malformed(ops)
    document = orjson.loads(orjson.dumps(target))
    try:
        for op in ops or ():
            document = _APPLY[op["op"]](document, op)
    except (_Unfit, IndexError, KeyError, TypeError, ValueError):
        raise ApiError(
            422, "Invalid", "the server rejected our request due to an error in our request"
        ) from None
    if not isinstance(document, dict) or not {"apiVersion", "kind", "metadata"} & document.keys():
        raise ApiError(422, "Invalid", "the server rejected our request due to an error in our request")
    return document


def oddities(ops: Any) -> list[str]:
    """What strict reading of the operations does not forgive."""
    return [
        f'unknown field "[{index}].{key}"'
        for index, op in enumerate(ops or ())
        for key in op
        if key not in _FIELDS
    ]


def _refuse_malformed(ops: Any) -> None:
    go_type = "[]handlers.jsonPatchOp"
    if ops is not None and not isinstance(ops, list):
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {type_name(ops)} into Go value of type {go_type}"
        )
    for op in ops or ():
        if op is not None and not isinstance(op, dict):
            raise bad_request(
                f"error decoding patch: json: cannot unmarshal {type_name(op)} into Go value of type "
                "handlers.jsonPatchOp"
            )
    if len(ops or ()) > _MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(ops or ())}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {message}")
    for op in ops or ():
        if problem := _malformed(op or {}):
            raise bad_request(f"invalid operation {orjson.dumps(op).decode()}: {problem}")


def _malformed(op: Body) -> str:
    kind = op.get("op")
    if kind not in _APPLY:
        return "unsupported operation"
    if kind in ("add", "replace") and "value" not in op:
        return "failed to decode 'value': operation, missing value field: missing value"
    if kind in ("move", "copy") and "from" not in op:
        return "failed to decode 'from': operation, missing from field: missing value"
    if "path" not in op:
        return "failed to decode 'path': operation missing path field: missing value"
    return ""


def _steps(path: str) -> list[str]:
    """A path's steps; whatever is before the first slash does not count."""
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _index(step: str, items: list[Any], *, insert: bool = False) -> int:
    index = int(step)
    size = len(items) + insert
    if not -size <= index < size:
        raise _Unfit
    return index + size if index < 0 else index


def _child(parent: Any, step: str) -> Any:
    if isinstance(parent, list):
        return parent[_index(step, parent)]
    if not isinstance(parent, dict):
        raise _Unfit
    return parent.get(step, _MISSING)


def _parent(document: Any, steps: list[str]) -> Any:
    for step in steps[:-1]:
        document = _child(document, step)
        if not isinstance(document, dict | list):
            raise _Unfit
    return document


def _get(document: Any, path: str) -> Any:
    steps = _steps(path)
    return _child(_parent(document, steps), steps[-1]) if steps else document


def _add(document: Any, op: Body) -> Any:
    return _put(document, op["path"], op["value"])


def _put(document: Any, path: str, value: Any) -> Any:
    steps = _steps(path)
    if not steps:
        if path:
            return _beside(document, path, value)
        return value
    parent = _parent(document, steps)
    if isinstance(parent, list):
        parent.insert(len(parent) if steps[-1] == "-" else _index(steps[-1], parent, insert=True), value)
    else:
        parent[steps[-1]] = value
    return document


def _beside(document: Any, path: str, value: Any) -> Any:
    document[path] = value
    return document


def _remove(document: Any, op: Body) -> Any:
    steps = _steps(op["path"])
    if not steps:
        raise _Unfit
    parent = _parent(document, steps)
    if _child(parent, steps[-1]) is _MISSING:
        raise _Unfit
    del parent[_index(steps[-1], parent) if isinstance(parent, list) else steps[-1]]
    return document


def _replace(document: Any, op: Body) -> Any:
    steps = _steps(op["path"])
    if not steps:
        return op["value"]
    parent = _parent(document, steps)
    if _child(parent, steps[-1]) is _MISSING:
        raise _Unfit
    parent[_index(steps[-1], parent) if isinstance(parent, list) else steps[-1]] = op["value"]
    return document


def _move(document: Any, op: Body) -> Any:
    value = _get(document, op["from"])
    if value is _MISSING:
        raise _Unfit
    return _put(_remove(document, {"path": op["from"]}), op["path"], value)


def _copy(document: Any, op: Body) -> Any:
    value = _get(document, op["from"])
    if value is _MISSING:
        raise _Unfit
    return _put(document, op["path"], orjson.loads(orjson.dumps(value)))


def _test(document: Any, op: Body) -> Any:
    found = _get(document, op["path"])
    if not _same(None if found is _MISSING else found, op.get("value")):
        raise _Unfit
    return document


def _same(first: Any, second: Any) -> bool:
    """Whether two values are written alike: 3 is not 3.0 to the library."""
    return orjson.dumps(first, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        second, option=orjson.OPT_SORT_KEYS
    )


_APPLY: dict[str, Callable[[Any, Body], Any]] = {
    "add": _add,
    "copy": _copy,
    "move": _move,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
}
