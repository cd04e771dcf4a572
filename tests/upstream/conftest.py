"""Argo's and KServe's own CRDs as closed JSON Schemas: what an API server would prune is an error here."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

Body = dict[str, Any]

FILES = {
    "Workflow": "argo/argoproj.io_workflows.yaml",
    "InferenceService": "kserve/serving.kserve.io_inferenceservices.yaml",
    "ClusterServingRuntime": "kserve/serving.kserve.io_clusterservingruntimes.yaml",
}


def closed(node: Body) -> Body:
    """A structural schema as a JSON Schema that allows no field that it does not name."""
    kept = {k: v for k, v in node.items() if not k.startswith("x-") and k not in ("description", "default")}
    if node.get("x-kubernetes-int-or-string"):
        kept.pop("anyOf", None)
        kept["type"] = ["integer", "string"]
    kept.pop("format", None)
    if "properties" in node:
        kept["properties"] = {name: closed(child) for name, child in node["properties"].items()}
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            kept["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            kept[key] = closed(node[key])
    return kept


@functools.cache
def upstream_schema(kind: str) -> Body:
    folder = os.environ.get("MLPLANE_UPSTREAM_CRDS")
    assert folder, "set MLPLANE_UPSTREAM_CRDS to a folder with the CRDs of Argo (argo/) and KServe (kserve/)"
    crd = yaml.load((Path(folder) / FILES[kind]).read_text(), Loader=yaml.CSafeLoader)
    made = closed(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    made["properties"]["metadata"] = {"type": "object"}
    return made


@functools.cache
def _validator(kind: str) -> Any:
    return jsonschema_rs.Draft202012Validator(upstream_schema(kind))


@pytest.fixture
def schema_of() -> Callable[[str], Body]:
    """The closed schema of a foreign kind."""
    return upstream_schema


@pytest.fixture
def errors_of() -> Callable[[Body], list[str]]:
    """What the real CRD has against an object."""
    return lambda body: [
        f"{'.'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(body["kind"]).iter_errors(body)
    ]
