"""Checks of a CustomResourceDefinition itself: names, versions, a structural schema, rules that compile.

``structural`` exports ``check_crd``; the object layer calls it when a CRD is written.
"""

import re
from collections.abc import Iterator

from mlplane.local.apiserver.jsonpaths import compile_path
from mlplane.local.apiserver.schemachecks import check_schema
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def check_crd(crd: Body) -> list[Cause]:
    """Everything that is wrong with a CRD; an empty list when it can be served."""
    spec = crd.get("spec")
    if not isinstance(spec, dict):
        return [causes.required("spec")]
    found = [*_check_names(crd, spec), *_check_versions(spec)]
    for index, version in enumerate(spec.get("versions") or ()):
        if isinstance(version, dict):
            found += _check_version(version, f"spec.versions[{index}]")
    return found


def _check_names(crd: Body, spec: Body) -> Iterator[Cause]:
    group, names = spec.get("group") or "", spec.get("names") or {}
    if not group:
        yield causes.required("spec.group")
    elif not _SUBDOMAIN.fullmatch(group) or "." not in group:
        yield causes.invalid("spec.group", group, "should be a domain with at least one dot")
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield causes.not_supported("spec.scope", spec.get("scope") or "", ("Cluster", "Namespaced"))
    for key in ("plural", "kind"):
        if not names.get(key):
            yield causes.required(f"spec.names.{key}")
    for key in ("plural", "singular", "kind", "listKind"):
        yield from _check_label(f"spec.names.{key}", names.get(key), mixed=key in {"kind", "listKind"})
    for key in ("shortNames", "categories"):
        for index, name in enumerate(names.get(key) or ()):
            yield from _check_label(f"spec.names.{key}[{index}]", name)
    want = f"{names.get('plural') or ''}.{group}"
    name = (crd.get("metadata") or {}).get("name") or ""
    if name != want:
        detail = 'must be spec.names.plural+"."+spec.group'
        yield causes.invalid("metadata.name", name, detail)


def _check_label(where: str, name: str | None, *, mixed: bool = False) -> Iterator[Cause]:
    if name and not _LABEL.fullmatch(name.lower() if mixed else name):
        case = "may have mixed case, but should otherwise match: " if mixed else ""
        yield causes.invalid(where, name, case + _LABEL_RULE)


def _check_versions(spec: Body) -> Iterator[Cause]:
    versions = [each for each in spec.get("versions") or () if isinstance(each, dict)]
    storing = [each for each in versions if each.get("storage")]
    if not versions:
        yield causes.required("spec.versions")
    elif len(storing) != 1:
        detail = "must have exactly one version marked as storage version"
        yield causes.invalid("spec.versions", causes.OMIT, detail)
    seen: set[str] = set()
    for index, version in enumerate(versions):
        name = version.get("name") or ""
        if not _LABEL.fullmatch(name):
            yield causes.invalid(f"spec.versions[{index}].name", name, _LABEL_RULE)
        elif name in seen:
            detail = "must contain unique version names"
            yield causes.invalid("spec.versions", causes.OMIT, detail)
        seen.add(name)


def _check_version(version: Body, where: str) -> Iterator[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    path = f"{where}.schema.openAPIV3Schema"
    if not isinstance(schema, dict):
        yield causes.required(path)
        return
    if schema.get("type") != "object":
        if schema.get("type"):
            yield causes.invalid(f"{path}.type", schema["type"], "must be object at the root")
        else:
            yield causes.required(f"{path}.type", "must not be empty at the root")
    yield from check_schema(schema, path)
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _check_column(column, f"{where}.additionalPrinterColumns[{index}]")


def _check_column(column: Body, where: str) -> Iterator[Cause]:
    path, kind = column.get("jsonPath"), column.get("type")
    if not column.get("name"):
        yield causes.required(f"{where}.name")
    if kind not in _COLUMN_TYPES:
        yield causes.invalid(f"{where}.type", kind or "", f"must be one of {','.join(_COLUMN_TYPES)}")
    if not path:
        yield causes.required(f"{where}.jsonPath")
    elif not path.startswith("."):
        yield causes.invalid(f"{where}.jsonPath", path, "must be a simple json path starting with .")
    else:
        try:
            compile_path(path)
        except ValueError as error:
            yield causes.invalid(f"{where}.jsonPath", path, str(error))
