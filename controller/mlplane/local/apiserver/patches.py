"""Merge patch, JSON patch and strategic merge patch: the new object from the old one and a patch.

The object layer calls these for PATCH requests. No function changes its arguments; parts that a merge patch
leaves alone are shared with the old object.
"""

from typing import Any

from mlplane.local.apiserver.gojson import type_name
from mlplane.local.apiserver.jsonpatches import json_patch, oddities
from mlplane.local.apiserver.statuses import Body, bad_request
from mlplane.local.apiserver.strategic import strategic_merge_patch

__all__ = ["json_patch", "merge_patch", "oddities", "strategic_merge_patch"]


def merge_patch(target: Body, patch: Any) -> Body:
    """Apply a JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces.

    Raises:
        ApiError: 400 when the patch is not an object.
    """
    if patch is None:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict):
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {type_name(patch)} into Go value of type "
            "map[string]interface {}"
        )
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
