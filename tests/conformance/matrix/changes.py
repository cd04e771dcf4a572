"""Differences as lines that a person can read: between two looks at the cluster, and between two answers."""

import difflib
from typing import Any

Body = dict[str, Any]


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves by path; lists of plain values are leaves."""
    if isinstance(value, dict) and value:
        found: dict[str, Any] = {}
        for key, inner in value.items():
            found |= flat(inner, f"{path}.{key}" if path else key)
        return found
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return {k: v for i, each in enumerate(value) for k, v in flat(each, f"{path}[{i}]").items()}
    return {path: value}


def lines(before: Any, after: Any) -> list[str]:
    """What was removed, added and replaced; list by list for fields of managers."""
    old, new = flat(before), flat(after)
    found: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            found.append(f"- {path}: {_shown(old[path])}")
        elif path not in old:
            found.append(f"+ {path}: {_shown(new[path])}")
        elif isinstance(old[path], list) and isinstance(new[path], list) and old[path] != new[path]:
            found.append(f"~ {path}: {_listed(old[path], new[path])}")
        elif type(old[path]) is not type(new[path]) or old[path] != new[path]:
            found.append(f"~ {path}: {_replaced(_shown(old[path]), _shown(new[path]))}")
    return found


def _replaced(old: str, new: str) -> str:
    if "\n" not in old + new:
        return f"{old} -> {new}"
    compared = difflib.ndiff(old.splitlines(), new.splitlines())
    return "\n".join(["", *(line for line in compared if line.startswith(("-", "+")))])


def _shown(value: Any) -> str:
    return " ".join(str(each) for each in value) if value and isinstance(value, list) else str(value)


def _listed(old: list[Any], new: list[Any]) -> str:
    less = [f"-{each}" for each in old if each not in new]
    more = [f"+{each}" for each in new if each not in old]
    return " ".join(less + more) or f"{old} -> {new}"


def between(before: dict[str, Body], after: dict[str, Body]) -> Body:
    """Per object: created (in full), deleted, or its changed lines; what did not change is absent.

    Args:
        before: Object by "Kind name": ``{"raw": (uid, resourceVersion), "body": normalised object}``.
        after: The same, later.
    """
    found: Body = {}
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            found[name] = "deleted"
        elif name not in before:
            found[name] = {"created": after[name]["body"]}
        elif before[name]["raw"] != after[name]["raw"]:
            (old_uid, _), (new_uid, _) = before[name]["raw"], after[name]["raw"]
            again = ["resourceVersion: changed"] + (["uid: changed"] if old_uid != new_uid else [])
            found[name] = again + lines(before[name]["body"], after[name]["body"])
    return found
