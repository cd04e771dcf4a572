"""Which kinds there are, in both forms that clients read: aggregated (kubectl), legacy (Kopf). Pure."""

import base64
import hashlib
from typing import Any

from mlplane.local.apiserver import scale
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.statuses import Body

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_SUBRESOURCE_VERBS = {"log": ["get"], "finalize": ["update"], "token": ["create"]}
_SUBRESOURCE_KINDS = {
    "scale": scale.GVK,
    "token": {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"},
}
"""Where a part is of another kind than the whole."""
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""In the order in which the real server tells them."""
_VERBS_AT_THE_END = ("delete", "deletecollection", "get", "list", "watch")
"""Of a kind whose definition is deleted. Others are not refused, except for create."""
_STATUS_VERBS = ["get", "patch", "update"]


def wants_aggregated(accept: str) -> bool:
    """Whether an Accept header asks for the aggregated form."""
    return "as=APIGroupDiscoveryList" in accept.replace(" ", "") and "v=v2" in accept


def aggregated(registry: Registry, *, core: bool) -> Body:
    """``APIGroupDiscoveryList`` of ``/api`` or of ``/apis``."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group, "creationTimestamp": None},
                "versions": [
                    {"version": version, "freshness": "Current", "resources": [_aggregated(r) for r in found]}
                    for version, found in versions.items()
                ],
            }
            for group, versions in registry.groups().items()
            if (group == "") is core
        ],
    }


def _aggregated(resource: Resource) -> Body:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    described: Body = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": _verbs(resource),
    }
    if resource.short_names:
        described["shortNames"] = list(resource.short_names)
    if resource.categories:
        described["categories"] = list(resource.categories)
    if resource.subresources:
        described["subresources"] = [
            {
                "subresource": name,
                "responseKind": _SUBRESOURCE_KINDS.get(name, kind),
                "verbs": _verbs_of(name),
            }
            for name in resource.subresources
        ]
    return described


def _verbs(resource: Resource) -> list[str]:
    if not resource.custom:
        return list(resource.verbs)
    return list(_VERBS_AT_THE_END if resource.going else _CUSTOM_VERBS)


def _storage_hash(resource: Resource) -> str:
    """What changes when objects are kept in another version."""
    version = resource.stored_version.rpartition("/")[2] or resource.version
    text = f"{resource.group}/{version}/{resource.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _verbs_of(subresource: str) -> list[str]:
    return _SUBRESOURCE_VERBS.get(subresource, _STATUS_VERBS)


def core_versions(address: str) -> Body:
    """``APIVersions`` of ``/api``; ``address`` is host and port."""
    by_client = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": by_client}


def groups(registry: Registry) -> Body:
    """``APIGroupList`` of ``/apis``."""
    found = [_group(name, list(versions)) for name, versions in registry.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(registry: Registry, name: str) -> Body | None:
    """``APIGroup`` of ``/apis/GROUP``; None if there is no such group."""
    versions = registry.groups().get(name)
    return (
        {"kind": "APIGroup", "apiVersion": "v1", **_group(name, list(versions))}
        if versions and name
        else None
    )


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    described = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": described, "preferredVersion": described[0]}


def resources(registry: Registry, name: str, version: str) -> Body | None:
    """``APIResourceList`` of a group and version; None if there is none."""
    found = registry.groups().get(name, {}).get(version)
    if found is None:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": [entry for resource in found for entry in _legacy(resource)],
    }


def _legacy(resource: Resource) -> list[Body]:
    main: Body = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _verbs(resource),
    }
    if "watch" in resource.verbs:
        main["storageVersionHash"] = _storage_hash(resource)
    if resource.short_names:
        main["shortNames"] = list(resource.short_names)
    if resource.categories:
        main["categories"] = list(resource.categories)
    parts = [
        {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            **_SUBRESOURCE_KINDS.get(name, {"kind": resource.kind}),
            "verbs": _verbs_of(name),
        }
        for name in resource.subresources
    ]
    return [main, *parts]
