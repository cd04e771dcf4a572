"""Checks of a CustomResourceDefinition itself: its names, its versions, and everything in those.

``crds`` calls ``check_crd`` when a CRD is written. What is the same in all versions is checked once and
reported at the top of the spec, as if the CRD were of the time when there was one version: that is where the
real server looks for it.
"""

import re
from collections.abc import Iterator
from typing import Any

from mlplane.local.apiserver import versionchecks
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes, metarules

_HOISTED = {
    "schema": "validation",
    "subresources": "subresources",
    "additionalPrinterColumns": "additionalPrinterColumns",
    "selectableFields": "selectableFields",
}
"""Fields of a version, and where the real server puts them when all versions have the same."""
_APPROVED = "api-approved.kubernetes.io"
_NAMES = ("plural", "singular", "kind", "listKind")


def check_crd(crd: Body) -> list[Cause]:
    """Everything that is wrong with a CRD but for its name; an empty list when it can be served."""
    spec = crd.get("spec") or {}
    found = [
        *_check_spec(spec),
        *_check_stored(crd, spec),
        *_check_approval(crd, spec),
    ]
    if spec.get("preserveUnknownFields"):
        detail = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema "
            "instead"
        )
        found.append(causes.invalid("spec.preserveUnknownFields", spec["preserveUnknownFields"], detail))
    return found


def check_name(crd: Body) -> Iterator[Cause]:
    """Whether the name of a new CRD is the one that its spec calls for."""
    spec = crd.get("spec") or {}
    name = (crd.get("metadata") or {}).get("name") or ""
    if name != f"{(spec.get('names') or {}).get('plural') or ''}.{spec.get('group') or ''}":
        yield causes.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')


def _check_spec(spec: Body) -> Iterator[Cause]:
    versions, top = _hoisted(spec)
    yield from _check_group(spec)
    if "schema" not in top or not (top["schema"] or {}).get("openAPIV3Schema"):
        for index, version in enumerate(versions):
            if not (version.get("schema") or {}).get("openAPIV3Schema"):
                yield causes.required(f"spec.versions[{index}].schema.openAPIV3Schema")
    for index, version in enumerate(versions):
        where = f"spec.versions[{index}]"
        if problem := metarules.dns_1035(version.get("name") or ""):
            yield causes.invalid(f"{where}.name", version.get("name") or "", problem)
        yield from versionchecks.check_version(version, where, top)
    yield from _check_versions(spec, versions)
    names = spec.get("names") or {}
    yield from (causes.required(f"spec.names.{key}") for key in _NAMES if not names.get(key))
    yield from check_names(names, "spec.names")
    if versions:
        yield from versionchecks.check_hoisted(top, versions)
    yield from _check_conversion(spec.get("conversion") or {})


def _hoisted(spec: Body) -> tuple[list[Body], Body]:
    """The versions without what they have in common, and that."""
    versions = [each for each in spec.get("versions") or () if isinstance(each, dict)]
    top: Body = {}
    for key in _HOISTED if versions else ():
        first: Any = versions[0].get(key) or None
        if all((each.get(key) or None) == first for each in versions):
            top[key] = first
    return [{key: value for key, value in each.items() if key not in top} for each in versions], top


def _check_group(spec: Body) -> Iterator[Cause]:
    group, scope = spec.get("group") or "", spec.get("scope") or ""
    if not group:
        yield causes.required("spec.group")
    elif problems := list(metarules.subdomain(group)):
        yield causes.invalid("spec.group", group, ",".join(problems))
    elif "." not in group:
        yield causes.invalid("spec.group", group, "should be a domain with at least one dot")
    if not scope:
        yield causes.required("spec.scope")
    elif scope not in ("Cluster", "Namespaced"):
        yield causes.not_supported("spec.scope", scope, ("Cluster", "Namespaced"))


def _check_versions(spec: Body, versions: list[Body]) -> Iterator[Cause]:
    names = [version.get("name") or "" for version in versions]
    shown = None if spec.get("versions") is None else versionchecks.shown(versions)
    if len(set(names)) < len(names):
        yield causes.invalid("spec.versions", shown, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        yield causes.invalid("spec.versions", shown, detail)
    # The field of the time of one version, which the real server still fills in for itself.
    if names and names[0] and (problem := metarules.dns_1035(names[0])):
        yield causes.invalid("spec.version", names[0], problem)


def check_names(names: Body, where: str) -> Iterator[Cause]:
    """What is wrong with the names of a kind; those that are missing are not missed."""
    for key in _NAMES:
        name, mixed = names.get(key) or "", key in ("kind", "listKind")
        if name and (problem := metarules.dns_1035(name.lower() if mixed else name)):
            case = "may have mixed case, but should otherwise match: " if mixed else ""
            yield causes.invalid(f"{where}.{key}", name, case + problem)
    yield from _check_list(names, where, "shortNames")
    if names.get("kind") and names["kind"] == names.get("listKind"):
        detail = "kind and listKind may not be the same"
        yield causes.invalid(f"{where}.listKind", names["listKind"], detail)
    yield from _check_list(names, where, "categories")


def _check_list(names: Body, where: str, key: str) -> Iterator[Cause]:
    for index, name in enumerate(names.get(key) or ()):
        if problem := metarules.dns_1035(name):
            yield causes.invalid(f"{where}.{key}[{index}]", name, problem)


def _check_conversion(conversion: Body) -> Iterator[Cause]:
    strategy = conversion.get("strategy") or ""
    if strategy == "Webhook":
        yield causes.not_supported("spec.conversion.strategy", strategy, ("None",))
    elif strategy != "None":
        if strategy:
            yield causes.not_supported("spec.conversion.strategy", strategy, ("None", "Webhook"))
        else:
            yield causes.required("spec.conversion.strategy")
    elif conversion.get("webhook"):
        where = "spec.conversion.webhookClientConfig"
        yield causes.forbidden(where, "should not be set when strategy is not set to Webhook")


def _check_stored(crd: Body, spec: Body) -> Iterator[Cause]:
    """Versions that objects may be kept in have to stay."""
    where, stored = "status.storedVersions", (crd.get("status") or {}).get("storedVersions")
    if not stored:
        yield causes.invalid(where, stored, "must have at least one stored version")
        return
    versions = [version for version in spec.get("versions") or () if isinstance(version, dict)]
    names = {version.get("name") for version in versions}
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            yield causes.invalid(where, stored, f"must have the storage version {version.get('name')}")
    for index, version in enumerate(stored):
        if version not in names:
            detail = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in "
                "spec.versions until a storage migration ensures no data remains persisted in "
                f"{version} and removes {version} from status.storedVersions"
            )
            yield causes.invalid(f"{where}[{index}]", version, detail)


def _check_approval(crd: Body, spec: Body) -> Iterator[Cause]:
    """The groups of the Kubernetes project are not for everyone."""
    if not f".{spec.get('group') or ''}".endswith((".k8s.io", ".kubernetes.io")):
        return
    where, needs = f"metadata.annotations[{_APPROVED}]", "protected groups must have approval annotation"
    found = ((crd.get("metadata") or {}).get("annotations") or {}).get(_APPROVED)
    see = "see https://github.com/kubernetes/enhancements/pull/1111"
    if not found:
        yield causes.required(where, f'{needs} "{_APPROVED}", {see}')
    elif not found.startswith("unapproved") and not re.match(r"https?://[^/]+/", found):
        detail = f'{needs} "{_APPROVED}" with either a URL or a reason starting with "unapproved", {see}'
        yield causes.invalid(where, found, detail)
