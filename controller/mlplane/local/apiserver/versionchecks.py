"""Checks of one version of a CRD: schema, subresources, printer columns, selectable fields.

``crdchecks`` calls them: for a version, or for what all versions have in common.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from mlplane.local.apiserver.rulechecks import field_of
from mlplane.local.apiserver.schemachecks import check_root
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes
from mlplane.structural.nodes import node_of

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MAX_SELECTABLE = 8
_SELECTABLE = ("string", "boolean", "integer")
_SCALE_PATHS = {
    "specReplicasPath": (".spec.",),
    "statusReplicasPath": (".status.",),
    "labelSelectorPath": (".spec.", ".status."),
}
_WHERE = {(".spec.",): ".spec", (".status.",): ".status", (".spec.", ".status."): "either .spec or .status"}
_LONGEST_WARNING = 256


def check_version(version: Body, where: str, top: Body) -> Iterator[Cause]:
    """What is wrong with what a version does not share with the others; ``top`` is what they share."""
    yield from _check_deprecation(version, where)
    subresources = top.get("subresources") if "subresources" in top else version.get("subresources")
    status = "status" in (subresources or {})
    yield from _check_schema(version.get("schema"), f"{where}.schema", status=status)
    yield from _check_subresources(version.get("subresources"), f"{where}.subresources")
    yield from _check_columns(version.get("additionalPrinterColumns"), f"{where}.additionalPrinterColumns")
    if fields := version.get("selectableFields"):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            detail = "may only be set when `version.schema.openAPIV3Schema` is not included"
            yield causes.invalid(f"{where}.selectableFields", "", detail)
        else:
            yield from _check_selectable(fields, schema, f"{where}.selectableFields")


def check_hoisted(top: Body, versions: Sequence[Body]) -> Iterator[Cause]:
    """What is wrong with what all versions have in common."""
    own = any("status" in (each.get("subresources") or {}) for each in versions)
    status = own or "status" in (top.get("subresources") or {})
    yield from _check_schema(top.get("schema"), "spec.validation", status=status)
    yield from _check_subresources(top.get("subresources"), "spec.subresources")
    yield from _check_columns(top.get("additionalPrinterColumns"), "spec.additionalPrinterColumns")
    if fields := top.get("selectableFields"):
        schema = (top.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            detail = "may only be set when validations.schema is included"
            yield causes.invalid("spec.selectableFields", "", detail)
        else:
            yield from _check_selectable(fields, schema, "spec.selectableFields")


def _check_deprecation(version: Body, where: str) -> Iterator[Cause]:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    problems = []
    if not version.get("deprecated"):
        problems = ["can only be set for deprecated versions"]
    elif len(warning.encode()) > _LONGEST_WARNING:
        problems = [f"must be <= {_LONGEST_WARNING} characters long"]
    elif not warning:
        problems = ["must not be an empty string"]
    yield from (causes.invalid(f"{where}.deprecationWarning", warning, problem) for problem in problems)


def _check_schema(holder: Any, where: str, *, status: bool) -> Iterator[Cause]:
    schema = (holder or {}).get("openAPIV3Schema")
    if isinstance(schema, dict):
        yield from check_root(schema, f"{where}.openAPIV3Schema", status=status)


def _check_subresources(subresources: Any, where: str) -> Iterator[Cause]:
    scale = (subresources or {}).get("scale")
    if scale is None:
        return
    for key, allowed in _SCALE_PATHS.items():
        path, place = scale.get(key) or "", f"{where}.scale.{key}"
        if not path:
            if key != "labelSelectorPath":
                yield causes.required(place)
        elif problem := _path_problem(path):
            yield causes.invalid(place, path, problem)
        elif not path.startswith(allowed):
            yield causes.invalid(place, path, f"should be a json path under {_WHERE[allowed]}")


def _path_problem(path: str) -> str:
    return "" if path.startswith(".") else "must be a simple json path starting with ."


def _check_columns(columns: Any, where: str) -> Iterator[Cause]:
    for index, column in enumerate(columns or ()):
        yield from _check_column(column, f"{where}[{index}]")


def _check_column(column: Body, where: str) -> Iterator[Cause]:
    path, kind, layout = column.get("jsonPath") or "", column.get("type") or "", column.get("format") or ""
    if not column.get("name"):
        yield causes.required(f"{where}.name")
    if not kind:
        yield causes.required(f"{where}.type", f"must be one of {','.join(_COLUMN_TYPES)}")
    elif kind not in _COLUMN_TYPES:
        yield causes.invalid(f"{where}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}")
    if layout and layout not in _COLUMN_FORMATS:
        yield causes.invalid(f"{where}.format", layout, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not path:
        yield causes.required(f"{where}.JSONPath")
    elif problem := _path_problem(path):
        yield causes.invalid(f"{where}.JSONPath", path, problem)


def _check_selectable(fields: Sequence[Body], schema: Body, where: str) -> Iterator[Cause]:
    node, seen = node_of(schema), set[str]()
    for index, each in enumerate(fields):
        path, place = each.get("jsonPath") or "", f"{where}[{index}].jsonPath"
        if not path:
            yield causes.required(place)
            continue
        try:
            steps, found = field_of(path, node, brackets=False)
        except ValueError as error:
            yield causes.invalid(place, path, f"is an invalid path: {error}")
            continue
        if steps[0] == "metadata":
            yield causes.invalid(place, path, "must not point to fields in metadata")
        if found.type not in _SELECTABLE:
            detail = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings "
                "with formats are allowed."
            )
            yield causes.invalid(place, path, detail)
        if (name := ".".join(steps)) in seen:
            yield causes.duplicate(place, path)
        seen.add(name)
    if len(seen) > _MAX_SELECTABLE:
        yield causes.too_many(where, len(seen), _MAX_SELECTABLE)


def shown(versions: Sequence[Body]) -> list[Body]:
    """Versions as messages show them: with the names that Go has for their fields."""
    return [
        {
            "Name": version.get("name") or "",
            "Served": bool(version.get("served")),
            "Storage": bool(version.get("storage")),
            "Deprecated": bool(version.get("deprecated")),
            "DeprecationWarning": version.get("deprecationWarning"),
            "Schema": version.get("schema"),
            "Subresources": version.get("subresources"),
            "AdditionalPrinterColumns": version.get("additionalPrinterColumns"),
            "SelectableFields": version.get("selectableFields"),
        }
        for version in versions
    ]
