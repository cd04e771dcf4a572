"""An object against its schema: defaults and validation. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from mlplane.local.apiserver.misfits import go_text, go_type
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.local.apiserver.writes import WriteOptions
from mlplane.structural import causes

_INT32 = 2**31 - 1


def conform(
    resource: Resource, body: Body, old: Body | None, options: WriteOptions, found: Sequence[Cause] = ()
) -> tuple[Body, list[Cause]]:
    """Default and validate.

    Args:
        resource: The kind.
        body: The object that a client wants to write, read and with its metadata.
        old: The live object, for transition rules.
        options: The options of the request; what is only warned of is added to their warnings.
        found: What is wrong with its metadata.

    Returns:
        The object to store, and everything that is wrong with it.
    """
    schema = resource.schema
    wrong = list(found)
    if schema is not None:
        body = schema.default(body)
        forgiven: list[Cause] = []
        part = "status" if options.subresource == "status" else ""
        found = [*found, *_scale_problems(resource.scale, body, part)]
        wrong = schema.validate(body, old, found=found, part=part, forgiven=forgiven)
        options.warnings.extend(f"{each.field}: {each.message}" for each in forgiven)
    return body, wrong


def _scale_problems(scale: Body | None, body: Body, subresource: str) -> Iterator[Cause]:
    """What ``/scale`` could not show."""
    paths = dict(scale or {})
    if subresource == "status":
        paths.pop("specReplicasPath", None)
    for key in ("specReplicasPath", "statusReplicasPath"):
        if path := paths.get(key):
            yield from _count_problems(path, _at(body, path))
    selector = _at(body, paths.get("labelSelectorPath") or ".")
    if selector is not None and not isinstance(selector, str) and paths.get("labelSelectorPath"):
        path = paths["labelSelectorPath"]
        yield causes.invalid(path, "", _accessor(path, selector, "string"))


def _count_problems(path: str, count: Any) -> Iterator[Cause]:
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, int):
        yield causes.invalid(path, 0, _accessor(path, count, "int64"))
    elif count < 0:
        yield causes.invalid(path, count, "should be a non-negative integer")
    elif count > _INT32:
        yield causes.invalid(path, count, f"should be less than or equal to {_INT32}")


def _accessor(path: str, value: Any, want: str) -> str:
    return f"{path} accessor error: {go_text(value)} is of the type {go_type(value)}, expected {want}"


def _at(body: Body, path: str) -> Any:
    found: Any = body
    for name in path.removeprefix(".").split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
