"""OpenAPI documents: what kubectl reads before it applies and explains."""

from typing import Any

import pytest

from mlplane.api.dataset import Dataset
from mlplane.local.apiserver import coremodels
from mlplane.local.apiserver.kinds import BUILTINS
from mlplane.local.apiserver.openapi import document, index
from mlplane.local.apiserver.registry import Resource
from mlplane.schema.crds import crd_for

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", "configmap", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", "node", namespaced=False, subresources=("status",))
REVIEWS = Resource(
    "authorization.k8s.io", "v1", "reviews", "Review", "review", namespaced=False, verbs=("create",)
)


def datasets() -> Resource:
    schema = crd_for(Dataset)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return Resource(
        "mlplane.dev",
        "v1alpha1",
        "datasets",
        "Dataset",
        "dataset",
        namespaced=True,
        subresources=("status",),
        custom=True,
        openapi=schema,
    )


def test_the_index_names_a_document_for_each_group_and_version() -> None:
    paths = index({"api/v1": "A", "apis/mlplane.dev/v1alpha1": "B"})["paths"]
    assert paths == {
        "api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=A"},
        "apis/mlplane.dev/v1alpha1": {"serverRelativeURL": "/openapi/v3/apis/mlplane.dev/v1alpha1?hash=B"},
    }


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()


@pytest.mark.parametrize(
    ("group", "version", "resource"),
    [("", "v1", CONFIG_MAPS), ("", "v1", NODES), ("mlplane.dev", "v1alpha1", datasets())],
)
def test_every_reference_in_a_document_leads_somewhere(group: str, version: str, resource: Resource) -> None:
    whole = document(group, version, [resource])
    names = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert references(whole) <= names


def test_kubectl_finds_that_the_server_validates_fields() -> None:
    whole = document("mlplane.dev", "v1alpha1", [datasets()])
    patch = whole["paths"]["/apis/mlplane.dev/v1alpha1/namespaces/{namespace}/datasets/{name}"]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert patch["x-kubernetes-action"] == "patch"
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "mlplane.dev",
        "version": "v1alpha1",
        "kind": "Dataset",
    }
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]


def test_a_custom_kind_is_explained_with_its_own_schema() -> None:
    whole = document("mlplane.dev", "v1alpha1", [datasets()])
    schema = whole["components"]["schemas"]["dev.mlplane.v1alpha1.Dataset"]
    crd_schema = crd_for(Dataset)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"] == crd_schema["properties"]["spec"]
    assert schema["properties"]["metadata"]["allOf"][0]["$ref"].endswith(".ObjectMeta")
    assert schema["x-kubernetes-group-version-kind"][0]["kind"] == "Dataset"


def test_a_built_in_kind_is_explained_too() -> None:
    schemas = document("", "v1", [CONFIG_MAPS])["components"]["schemas"]
    data = schemas["io.k8s.api.core.v1.ConfigMap"]["properties"]["data"]
    assert data["additionalProperties"] == {"type": "string"}
    assert data["description"]


def test_paths_follow_scope_verbs_and_subresources() -> None:
    core = document("", "v1", [CONFIG_MAPS, NODES, REVIEWS])["paths"]
    assert set(core) == {
        "/api/v1/configmaps",
        "/api/v1/namespaces/{namespace}/configmaps",
        "/api/v1/namespaces/{namespace}/configmaps/{name}",
        "/api/v1/nodes",
        "/api/v1/nodes/{name}",
        "/api/v1/nodes/{name}/status",
    }
    reviews = document("authorization.k8s.io", "v1", [CONFIG_MAPS, REVIEWS])["paths"]
    (path,) = reviews
    assert set(reviews[path]) == {"post", "parameters"}


def test_the_fields_of_built_in_kinds_are_those_of_the_kubernetes_package() -> None:
    """They change with it: ``python -m mlplane.local.apiserver.coremodels`` writes them anew."""
    assert coremodels.FILE.read_text() == coremodels.text_of_package()


POD = ("", "v1", Resource("", "v1", "pods", "Pod", "pod", namespaced=True))


def test_a_pod_is_explained_to_its_depths() -> None:
    group, version, resource = POD
    schemas = document(group, version, [resource])["components"]["schemas"]
    container = schemas["io.k8s.api.core.v1.Container"]["properties"]
    assert container["image"] == {"type": "string", "description": "Container image name."}
    assert container["securityContext"]["allOf"][0]["$ref"].endswith(".SecurityContext")
    assert schemas["io.k8s.api.core.v1.HTTPGetAction"]["properties"]["path"]["type"] == "string"
    requests = schemas["io.k8s.api.core.v1.ResourceRequirements"]["properties"]["requests"]
    assert requests["additionalProperties"] == {"type": "string"}
    assert set(schemas["io.k8s.api.core.v1.Pod"]["properties"]) == {
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
    }


@pytest.mark.parametrize("resource", [each for each in BUILTINS if "list" in each.verbs])
def test_every_document_of_a_built_in_kind_is_whole(resource: Resource) -> None:
    whole = document(resource.group, resource.version, [resource])
    names = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert references(whole) <= names
