"""Checks of a CRD's schema: structural, defaults that fit, lists that say how they merge, rules that hold up.

``versionchecks`` calls ``check_root`` for the schema of each version.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlplane.local.apiserver import structuralchecks
from mlplane.local.apiserver.defaultchecks import check_defaults
from mlplane.local.apiserver.listchecks import check_list
from mlplane.local.apiserver.rulechecks import check_words
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes, celbudgets
from mlplane.structural.celbudgets import Scope, Total

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_META = ("metadata", "kind", "apiVersion")
_JUNCTORS = ("allOf", "oneOf", "anyOf")
_UNSUPPORTED = (
    "id",
    "additionalItems",
    "patternProperties",
    "definitions",
    "dependencies",
    "$ref",
)
_AT_ROOT = (
    "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength "
    "Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example "
    "XPreserveUnknownFields XValidations"
)
_WITH_STATUS = "if the status subresource is enabled"
_ROOT_KEYS = frozenset(name.lower() for name in _AT_ROOT.split()) | {
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """What a level may not have because of where it stands."""

    no_defaults: str = ""
    """Why there may be no defaults; empty if there may."""
    in_meta: bool = False


def check_root(schema: Body, path: str, *, status: bool) -> Iterator[Cause]:
    """What makes a schema unfit for a CRD.

    Args:
        schema: ``openAPIV3Schema``.
        path: Where it stands in the CRD.
        status: Whether the kind has the status subresource.
    """
    if status:
        yield from _check_root_keys(schema, path)
    if schema.get("nullable"):
        yield causes.forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    problem = structuralchecks.convertible(schema)
    early: list[Cause] = []
    if not problem:
        early = structuralchecks.check_structural(schema, path) or list(
            check_defaults(schema, path, root=True)
        )
        yield from early
    scope = None if early or problem else Scope(Total())
    found, rules = _check_level(schema, path, scope, _Place(), root=True)
    yield from found
    yield from rules
    if problem and not found:
        yield causes.invalid(path, "", problem)
    if scope is not None:
        yield from scope.total.problems(path)


def _check_root_keys(schema: Body, path: str) -> Iterator[Cause]:
    """Only what is not lost when the status is looked at alone."""
    for key, value in schema.items():
        if key == "type" and value != "object":
            detail = f'only "object" is allowed as the type at the root of the schema {_WITH_STATUS}'
            yield causes.invalid(f"{path}.type", value, detail)
            return
        is_set = value is not None if key == "default" else value not in (None, "", [], {}, False)
        if is_set and key.lower() not in _ROOT_KEYS:
            detail = f"only [{_AT_ROOT}] fields are allowed at the root of the schema {_WITH_STATUS}"
            yield causes.invalid(path, schema, detail)
            return


def _check_level(
    schema: Body, path: str, scope: Scope | None, place: _Place, *, root: bool = False
) -> tuple[list[Cause], list[Cause]]:
    """What is wrong with a level and those below: with the schema, and with rules if the schema is sound."""
    found, rules = list(_check_keywords(schema, path, place)), list[Cause]()
    for child, where, below, inside in _children(schema, path, scope, place, root=root):
        more, more_rules = _check_level(child, where, below, inside)
        found += more
        rules += more_rules
    found += _check_extensions(schema, path)
    found += check_list(schema, path)
    found += check_words(schema, path)
    if not found and scope is not None:
        rules += celbudgets.check(schema, path, scope)
    return found, rules


def _children(
    schema: Body, path: str, scope: Scope | None, place: _Place, *, root: bool
) -> Iterator[tuple[Body, str, Scope | None, _Place]]:
    """The levels below, each with its path, the scope of its rules and what it may not have."""
    below = scope.below(schema, path) if scope else None
    values, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(values, dict):
        why = "inside additionalProperties applying to object metadata"
        inside = replace(place, no_defaults=why) if place.in_meta else place
        yield values, f"{path}.additionalProperties", below, inside
    for name, child in (schema.get("properties") or {}).items():
        inside = place
        if (root or schema.get("x-kubernetes-embedded-resource")) and name in _META:
            inside = replace(place, in_meta=True)
            if root:
                inside = replace(inside, no_defaults=f"in top-level {name}")
        yield child, f"{path}.properties[{name}]", below, inside
    if isinstance(negated := schema.get("not"), dict):
        yield negated, f"{path}.not", None, place
    for key in _JUNCTORS:
        for index, each in enumerate(schema.get(key) or ()):
            yield each, f"{path}.{key}[{index}]", None, place
    if isinstance(items, dict):
        inside_list = scope.below(schema, path, items=True) if scope else None
        yield items, f"{path}.items", inside_list, place


def _check_keywords(schema: Body, path: str, place: _Place) -> Iterator[Cause]:
    kind = schema.get("type")
    if kind and kind not in _TYPES:
        yield causes.not_supported(f"{path}.type", kind, _TYPES)
    if schema.get("default") is not None and place.no_defaults:
        yield causes.forbidden(f"{path}.default", f"must not be set {place.no_defaults}")
    for key in _UNSUPPORTED:
        if schema.get(key):
            yield causes.forbidden(f"{path}.{key}", f"{key} is not supported")
    if kind == "null":
        yield causes.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield causes.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if place.in_meta and schema.get("x-kubernetes-embedded-resource"):
        where = f"{path}.x-kubernetes-embedded-resource"
        yield causes.forbidden(where, "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield causes.forbidden(f"{path}.uniqueItems", detail)
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        detail = "additionalProperties and properties are mutual exclusive"
        yield causes.forbidden(f"{path}.additionalProperties", detail)


def _check_extensions(schema: Body, path: str) -> Iterator[Cause]:
    kind, merges = schema.get("type") or "", schema.get("x-kubernetes-map-type")
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        where = f"{path}.x-kubernetes-preserve-unknown-fields"
        yield causes.invalid(where, False, "must be true or undefined")  # noqa: FBT003
    if merges is None:
        return
    if kind != "object":
        detail = "must be object if x-kubernetes-map-type is specified"
        yield (
            causes.invalid(f"{path}.type", kind, detail) if kind else causes.required(f"{path}.type", detail)
        )
    if merges not in ("atomic", "granular"):
        yield causes.not_supported(f"{path}.x-kubernetes-map-type", merges, ("atomic", "granular"))
