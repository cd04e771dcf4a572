"""A template with what the Workflow's ``templateDefaults`` add to it. Pure."""

from typing import Any

from mlplane.api import Body

TYPES = ("container", "script", "steps", "dag", "suspend")
"""Fields of a template that say what it is; exactly one of them is there."""
_KEYS = {"env": "name", "parameters": "name", "volumeMounts": "mountPath"}
"""Lists whose entries are told apart by a field of theirs."""


def type_of(template: Body) -> str:
    """What a template is; empty if it does not say."""
    return next((each for each in TYPES if each in template), "")


def with_defaults(template: Body, defaults: Body) -> Body:
    """The template, whose own fields win. Defaults of another type do not count."""
    wanted = {key: value for key, value in defaults.items() if key not in TYPES or key in template}
    merged: Body = _merged(wanted, template)
    return merged


def _merged(below: Any, above: Any, key: str = "") -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        both = {name: _merged(below[name], above[name], name) for name in below if name in above}
        return {**below, **above, **both}
    if key in _KEYS and isinstance(below, list) and isinstance(above, list):
        field = _KEYS[key]
        merged = {each[field]: each for each in below}
        for each in above:
            merged[each[field]] = _merged(merged.get(each[field], {}), each)
        return list(merged.values())
    return above
