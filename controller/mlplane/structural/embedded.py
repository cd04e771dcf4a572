"""Resources inside of custom resources (``x-kubernetes-embedded-resource``): their metadata, and its rules.

``schemas`` calls ``coerce`` when an object is read and ``check`` when it is validated.
"""

from collections.abc import Iterator
from typing import Any

from mlplane.body import Body
from mlplane.errors import InvalidInput
from mlplane.structural import causes, metarules, objectmeta
from mlplane.structural.causes import Cause, MapKey, Path
from mlplane.structural.nodes import Node


def coerce(node: Node, value: Any, path: Path, unknown: list[str]) -> Any:
    """A value with the metadata of its embedded resources typed; unknown fields of theirs go to ``unknown``.

    Raises:
        InvalidInput: Metadata, apiVersion or kind of one has the wrong type; in the words of Go.
    """
    if isinstance(value, list) and node.items is not None and node.items.has_embedded:
        return [coerce(node.items, item, (path, index), unknown) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    coerced = dict(value)
    if node.embedded and path:
        _coerce_own(coerced, path, unknown)
    for key, item in coerced.items():
        if isinstance(item, dict | list) and (child := node.child(key)) is not None and child.has_embedded:
            coerced[key] = coerce(child, item, (path, key), unknown)
    return coerced


def _coerce_own(value: Body, path: Path, unknown: list[str]) -> None:
    for key in ("apiVersion", "kind"):
        if key in value and not isinstance(value[key], str):
            cause = causes.invalid(causes.dotted((path, key)), value[key], "must be a string")
            raise InvalidInput(f"{cause.field}: {cause.message}")
    if "metadata" not in value:
        return
    where = causes.dotted((path, "metadata"))
    try:
        value["metadata"], found = objectmeta.read(value["metadata"], where)
    except InvalidInput as error:
        shown = value["metadata"]
        cause = causes.invalid(
            where, dict(sorted(shown.items())) if isinstance(shown, dict) else shown, str(error)
        )
        raise InvalidInput(f"{where}: {cause.message}") from None
    unknown += found


def check(node: Node, value: Any, path: Path = ()) -> Iterator[Cause]:
    """What is wrong with embedded resources themselves, here and below."""
    if isinstance(value, list) and node.items is not None and node.items.has_embedded:
        for index, item in enumerate(value):
            yield from check(node.items, item, (path, index))
    if not isinstance(value, dict):
        return
    if node.embedded and path:
        yield from _check_own(value, path)
    for key, item in value.items():
        if isinstance(item, dict | list) and (child := node.child(key)) is not None and child.has_embedded:
            yield from check(child, item, (path, key if key in node.properties else MapKey(key)))


def _check_own(value: Body, path: Path) -> Iterator[Cause]:
    for key in ("apiVersion", "kind"):
        where = causes.dotted((path, key), brackets=True)
        if key not in value:
            yield causes.required(where)
        elif not value[key]:
            yield causes.invalid(where, "", "must not be empty")
    version, kind = value.get("apiVersion") or "", value.get("kind") or ""
    if version.count("/") > 1:
        where = causes.dotted((path, "apiVersion"), brackets=True)
        yield causes.invalid(where, version, f"unexpected GroupVersion string: {version}")
    if kind and (problem := metarules.dns_1035(kind.lower())):
        detail = f"may have mixed case, but should otherwise match: {problem}"
        yield causes.invalid(causes.dotted((path, "kind"), brackets=True), kind, detail)
    if isinstance(meta := value.get("metadata"), dict):
        yield from _check_meta(meta, causes.dotted((path, "metadata"), brackets=True))


def _check_meta(meta: Body, where: str) -> Iterator[Cause]:
    for key in ("generateName", "name"):
        name = meta.get(key) or ""
        problems = [f"may not be '{name}'"] if key == "name" and name in (".", "..") else []
        problems += [f"may not contain '{mark}'" for mark in "/%" if mark in name]
        yield from (causes.invalid(f"{where}.{key}", name, problem) for problem in problems)
    if namespace := meta.get("namespace"):
        for problem in metarules.dns_label(namespace):
            yield causes.invalid(f"{where}.namespace", namespace, problem)
    yield from metarules.problems(meta, where)
    yield from metarules.managers(meta, where)
