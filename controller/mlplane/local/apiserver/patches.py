"""Merge patch, JSON patch and strategic merge patch: the new object from the old one and a patch.

The object layer calls these for PATCH requests. No function changes its arguments; parts that a patch
leaves alone are shared with the old object.
"""

from typing import Any

import jsonpatch
import jsonpointer

from mlplane.local.apiserver.statuses import ApiError, Body, bad_request
from mlplane.local.apiserver.strategic import strategic_merge_patch

__all__ = ["json_patch", "merge_patch", "strategic_merge_patch"]

_OPERATIONS = frozenset(("add", "remove", "replace", "move", "copy", "test"))
_MAX_OPERATIONS = 10_000


def merge_patch(target: Body, patch: Body) -> Body:
    """Apply a JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces.

    Raises:
        ApiError: 400 when the patch is not an object.
    """
    if not isinstance(patch, dict):
        raise bad_request(f"a merge patch must be a JSON object, not {_json_type(patch)}")
    merged: Body = _merged(target, patch)
    return merged


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def json_patch(target: Body, ops: list[Body]) -> Body:
    """Apply a JSON patch (RFC 6902).

    Raises:
        ApiError: 400 when it is no JSON patch; 422 Invalid when a test fails or a path does not exist.
    """
    if not isinstance(ops, list) or not all(isinstance(op, dict) for op in ops):
        raise bad_request("a JSON patch must be a list of operations, each an object with op and path")
    if len(ops) > _MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(ops)}"
        raise ApiError(413, "RequestEntityTooLarge", message)
    for op in ops:
        if op.get("op") not in _OPERATIONS:
            raise bad_request(f"Unexpected kind: {op.get('op') or 'unknown'}")
    try:
        patched: Body = jsonpatch.apply_patch(target, ops)
    except jsonpatch.InvalidJsonPatch as error:
        raise bad_request(f"error decoding patch: {error}") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise ApiError(
            422, "Invalid", f"the server rejected our request due to an error in our request: {error}"
        ) from None
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise ApiError(422, "Invalid", f"the JSON patch does not fit the object: {error}") from None
    return patched


def _json_type(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
