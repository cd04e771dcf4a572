"""The part of Argo Workflows and KServe that mlplane writes and the local plane understands.

Each kind has a closed JSON Schema beside this file: a field that is not in it is refused, never ignored, so
that nothing works on a laptop by accident and then not on a cluster, or the other way round. The engines of
the local plane call ``violations``; its API server installs ``foreign_crds``.
"""

import functools
import importlib.resources
import json
from typing import Any

import jsonschema_rs

from mlplane.api.meta import Body
from mlplane.schema.sentences import sentences

KINDS = ("Workflow", "InferenceService", "ClusterServingRuntime")

_OPEN: Body = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def violations(kind: str, body: Body) -> list[str]:
    """What in an object is not supported: a sentence each, with the field, what was found and what may be.

    Raises:
        KeyError: There is no subset of that kind.
    """
    schema, validator = _validator(kind)
    return [text for error in validator.iter_errors(body) for text in sentences(schema, error)]


def foreign_schema(kind: str) -> Body:
    """The closed JSON Schema (draft 2020-12) of a foreign kind. Raises KeyError for another kind."""
    if kind not in KINDS:
        raise KeyError(kind)
    file = importlib.resources.files("mlplane.schema") / "foreign" / f"{kind.lower()}.json"
    schema: Body = json.loads(file.read_text(encoding="utf-8"))
    return schema


def foreign_crds() -> tuple[Body, ...]:
    """CRDs for an API server without Argo and KServe: open schemas, columns as the real ones have them."""
    return (
        # As in Argo, status is no subresource: whoever plays Argo patches the object itself.
        _crd("argoproj.io", "v1alpha1", "Workflow", ["wf"], _ARGO_COLUMNS),
        _crd(
            "serving.kserve.io",
            "v1beta1",
            "InferenceService",
            ["isvc"],
            _KSERVE_COLUMNS,
            subresources={"status": {}},
        ),
        _crd("serving.kserve.io", "v1alpha1", "ClusterServingRuntime", [], _RUNTIME_COLUMNS, scope="Cluster"),
    )


_AGE: Body = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_ARGO_COLUMNS: list[Body] = [
    {
        "name": "Status",
        "type": "string",
        "jsonPath": ".status.phase",
        "description": "Status of the workflow",
    },
    {
        "name": "Age",
        "type": "date",
        "jsonPath": ".status.startedAt",
        "format": "date-time",
        "description": "When the workflow was started",
    },
    {
        "name": "Message",
        "type": "string",
        "jsonPath": ".status.message",
        "description": "Human readable message indicating details about why the workflow is in this "
        "condition.",
    },
]
_KSERVE_COLUMNS: list[Body] = [
    {"name": "URL", "type": "string", "jsonPath": ".status.url"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    *(
        {
            "name": name,
            "type": kind,
            "jsonPath": f".status.components.predictor.traffic[?(@.{which})].{value}",
        }
        for name, kind, which, value in (
            ("Prev", "integer", "tag=='prev'", "percent"),
            ("Latest", "integer", "latestRevision==true", "percent"),
            ("PrevRolledoutRevision", "string", "tag=='prev'", "revisionName"),
            ("LatestReadyRevision", "string", "latestRevision==true", "revisionName"),
        )
    ),
    _AGE,
]
_RUNTIME_COLUMNS: list[Body] = [
    {"name": "Disabled", "type": "boolean", "jsonPath": ".spec.disabled"},
    {"name": "ModelType", "type": "string", "jsonPath": ".spec.supportedModelFormats[*].name"},
    {"name": "Containers", "type": "string", "jsonPath": ".spec.containers[*].name"},
    _AGE,
]


def _crd(
    group: str,
    version: str,
    kind: str,
    short_names: list[str],
    columns: list[Body],
    *,
    scope: str = "Namespaced",
    subresources: Body | None = None,
) -> Body:
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    schema: Body = {
        "type": "object",
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _OPEN,
            "status": _OPEN,
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names | ({"shortNames": short_names} if short_names else {}),
            "scope": scope,
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": subresources or {},
                    "additionalPrinterColumns": columns,
                }
            ],
        },
    }


@functools.cache
def _validator(kind: str) -> tuple[Body, Any]:
    schema = foreign_schema(kind)
    return schema, jsonschema_rs.Draft202012Validator(schema)
