"""OpenAPI v3: what ``kubectl explain`` shows, and what makes ``kubectl apply`` let the server validate.

The HTTP layer serves ``index`` at /openapi/v3 and a ``document`` for each group and version below it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlplane.local.apiserver import coremodels
from mlplane.local.apiserver.builtinschemas import COMMON, DESCRIPTIONS, schema_for
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_JSON = "application/json"
_WRITE_VERBS = {"post", "put", "patch"}
_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
_STRATEGIC = "application/strategic-merge-patch+json"


def index(hashes: Mapping[str, str]) -> Body:
    """The list of documents: paths, and hashes by which clients know whether theirs is still good."""
    return {
        "paths": {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
            for path, digest in hashes.items()
        }
    }


def path_of(group: str, version: str) -> str:
    """The path of a group and version: ``api/v1`` or ``apis/<group>/<version>``."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


def document(group: str, version: str, resources: Iterable[Resource]) -> Body:
    """The OpenAPI v3 document of a group and version.

    Args:
        group: API group; empty for the core group.
        version: Version.
        resources: The kinds that are served; others than those of this group and version are left out.
    """
    paths: Body = {}
    schemas: Body = {f"{_META}.{name}": schema for name, schema in COMMON.items()}
    for resource in resources:
        if (resource.group, resource.version) != (group, version):
            continue
        schemas |= _schemas(resource)
        paths |= _paths(resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _model(resource: Resource) -> str:
    """The name of a kind's schema: reversed domain, version, kind."""
    domain = ".".join(reversed((resource.group or "core.api.k8s.io").split(".")))
    return f"{domain}.{resource.version}.{resource.kind}"


def _schemas(resource: Resource) -> Body:
    model = _model(resource)
    schema, parts = _own_schema(resource)
    schema["properties"] = _identity() | {
        name: child for name, child in (schema.get("properties") or {}).items() if name not in _identity()
    }
    schema["x-kubernetes-group-version-kind"] = [_gvk(resource)]
    schema.setdefault("type", "object")
    if resource.kind in DESCRIPTIONS and not resource.custom:
        schema.setdefault("description", DESCRIPTIONS[resource.kind])
    listing = {
        "type": "object",
        "description": f"{resource.kind}List is a list of {resource.kind}",
        "required": ["items"],
        "properties": _identity("ListMeta")
        | {"items": {"type": "array", "description": f"List of {resource.plural}.", "items": _ref(model)}},
        "x-kubernetes-group-version-kind": [
            _gvk(resource) | {"kind": resource.list_kind or f"{resource.kind}List"}
        ],
    }
    return {**parts, model: schema, f"{model}List": listing}


def _own_schema(resource: Resource) -> tuple[Body, Body]:
    """The schema of a kind, and those of its parts by name."""
    if resource.custom:
        return dict(resource.openapi or schema_for(resource.kind)), {}
    root = coremodels.root_of(resource.group, resource.kind)
    if not root:
        return dict(schema_for(resource.kind)), {}
    found = coremodels.schemas_of(resource.group, resource.kind)
    return found.pop(root), {coremodels.component(name): schema for name, schema in found.items()}


def _identity(meta: str = "ObjectMeta") -> Body:
    """The three fields that every object has."""
    return {
        "apiVersion": {"type": "string", "description": DESCRIPTIONS["apiVersion"]},
        "kind": {"type": "string", "description": DESCRIPTIONS["kind"]},
        "metadata": {"description": DESCRIPTIONS["metadata"], "allOf": [_ref(f"{_META}.{meta}")]},
    }


def _ref(model: str) -> Body:
    return {"$ref": f"#/components/schemas/{model}"}


def _gvk(resource: Resource) -> Body:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(resource: Resource) -> Body:
    root = "/" + path_of(resource.group, resource.version)
    scope = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
    many, one = f"{scope}/{resource.plural}", f"{scope}/{resource.plural}/{{name}}"
    paths = {
        many: dict(_operations(resource, {"list": "get", "create": "post", "deletecollection": "delete"})),
        one: dict(
            _operations(resource, {"get": "get", "update": "put", "patch": "patch", "delete": "delete"})
        ),
    }
    for part in ("scale", "status"):
        if part in resource.subresources:
            verbs = {"get": "get", "update": "put", "patch": "patch"}
            paths[f"{one}/{part}"] = dict(_operations(resource, verbs))
    found = {
        path: operations | {"parameters": _path_parameters(path)}
        for path, operations in paths.items()
        if operations
    }
    if resource.namespaced and "list" in resource.verbs:
        # Of all namespaces: as there is but one operation, the real server gives the path its parameters.
        listing = _operation(resource, "list", "get")
        queries = listing.pop("parameters")
        found[f"{root}/{resource.plural}"] = {"get": listing, "parameters": queries}
    return found


_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
    "watch",
)
_DELETE = (
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)
_PARAMETERS = {
    "create": _WRITE,
    "delete": _DELETE,
    "deletecollection": _LIST,
    "get": ("resourceVersion",),
    "list": _LIST,
    "patch": (*_WRITE, "force"),
    "update": _WRITE,
}
"""Query parameters of each verb."""
_TYPES = {
    "allowWatchBookmarks": "boolean",
    "force": "boolean",
    "gracePeriodSeconds": "integer",
    "ignoreStoreReadErrorWithClusterBreakingPotential": "boolean",
    "limit": "integer",
    "orphanDependents": "boolean",
    "sendInitialEvents": "boolean",
    "timeoutSeconds": "integer",
    "watch": "boolean",
}
"""Types of query parameters that are no strings."""
_ACTIONS = {"create": "post", "update": "put"}


def _operations(resource: Resource, methods: dict[str, str]) -> Iterator[tuple[str, Body]]:
    """HTTP method and operation of each verb that the kind has."""
    for verb, method in methods.items():
        if verb in resource.verbs:
            yield method, _operation(resource, verb, method)


def _operation(resource: Resource, verb: str, method: str) -> Body:
    model = _model(resource) + ("List" if verb == "list" else "")
    operation: Body = {
        "description": f"{verb} {resource.plural}",
        "operationId": "_".join((verb, *resource.group.split("."), resource.version, resource.kind)),
        "responses": {"200": {"description": "OK", "content": {_JSON: {"schema": _ref(model)}}}},
        "x-kubernetes-action": _ACTIONS.get(verb, verb),
        "x-kubernetes-group-version-kind": _gvk(resource),
    }
    if names := _PARAMETERS.get(verb):
        operation["parameters"] = [_query(name) for name in names]
    if method in _WRITE_VERBS:
        operation["requestBody"] = {"content": _bodies(resource, method), "required": True}
    return operation


def _bodies(resource: Resource, method: str) -> dict[str, Any]:
    if method != "patch":
        return {_JSON: {"schema": _ref(_model(resource))}}
    types = _PATCH_TYPES if resource.custom else (*_PATCH_TYPES, _STRATEGIC)
    return {kind: {"schema": _ref(f"{_META}.Patch")} for kind in types}


def _query(name: str) -> Body:
    return {
        "name": name,
        "in": "query",
        "description": DESCRIPTIONS[name],
        "schema": {"type": _TYPES.get(name, "string"), "uniqueItems": True},
    }


def _path_parameters(path: str) -> list[Body]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}
        for name in ("name", "namespace")
        if f"{{{name}}}" in path
    ]
