"""KServe: what a ModelServer becomes, and what came of it.

Plain typed JSON rather than the ``kserve`` package, which takes a second and 127 MB to import and
belongs to the serving runtime; the tests check the result against KServe's own CRD.
"""

from dataclasses import dataclass
from typing import Literal, TypedDict

from mlplane import names
from mlplane.adapters.children import labels_for, owner_reference, short_digest
from mlplane.api import Body, ModelServer, ModelVersion
from mlplane.api.conditions import of
from mlplane.settings import Settings
from mlplane.store.uris import resolve

STANDARD_MODE = {"serving.kserve.io/deploymentMode": "Standard"}
"""Written out because KServe's canaries are refused where the mode is only the default."""


class EnvVar(TypedDict):
    """An environment variable of the predictor."""

    name: str
    value: str


class ModelFormat(TypedDict):
    """The format that a runtime is looked up by."""

    name: str


class Model(TypedDict):
    """``spec.predictor.model`` of an InferenceService."""

    modelFormat: ModelFormat
    protocolVersion: str
    runtime: str
    storageUri: str
    env: list[EnvVar]


class Predictor(TypedDict):
    """``spec.predictor`` of an InferenceService."""

    name: str
    minReplicas: int
    maxReplicas: int
    serviceAccountName: str
    automountServiceAccountToken: bool
    model: Model


def inference_service_for(server: ModelServer, version: ModelVersion, settings: Settings) -> Body:
    """The InferenceService that serves a version.

    Its predictor is named by the digest, so that promoting a canary later renames nothing.
    """
    artifact = version.spec.artifact
    predictor: Predictor = {
        "name": f"v-{short_digest(artifact.digest)}",
        "minReplicas": 1,
        "maxReplicas": 1,
        "serviceAccountName": names.SERVER_SERVICE_ACCOUNT,
        "automountServiceAccountToken": False,
        "model": {
            "modelFormat": {"name": names.SERVING_RUNTIME},
            "protocolVersion": "v2",
            "runtime": names.SERVING_RUNTIME,
            "storageUri": resolve(artifact.uri, settings.store),
            "env": [{"name": names.MODEL_DIGEST_ENV, "value": artifact.digest}],
        },
    }
    return {
        "apiVersion": names.INFERENCE_SERVICE_API_VERSION,
        "kind": names.INFERENCE_SERVICE_KIND,
        "metadata": {
            "name": server.name,
            "namespace": server.metadata.namespace or "default",
            "labels": labels_for(server),
            "annotations": STANDARD_MODE,
            "ownerReferences": [owner_reference(server)],
        },
        "spec": {"predictor": predictor},
    }


@dataclass(frozen=True)
class Endpoint:
    """How far an InferenceService is."""

    state: Literal["Pending", "Ready", "Failed"]
    message: str = ""
    url: str = ""


def endpoint_of(service: Body) -> Endpoint:
    """Read an InferenceService; what speaks of an older generation is not there yet."""
    status = service.get("status") or {}
    if status.get("observedGeneration") != service["metadata"].get("generation"):
        return Endpoint("Pending", "the InferenceService has not been looked at yet")
    model = status.get("modelStatus") or {}
    url = status.get("url") or ""
    if model.get("transitionStatus") in ("BlockedByFailedLoad", "InvalidSpec"):
        failure = model.get("lastFailureInfo") or {}
        return Endpoint("Failed", failure.get("message") or failure.get("reason") or "", url)
    ready = of(service, "Ready") or {}
    if ready.get("status") == "True":
        return Endpoint("Ready", "", url)
    return Endpoint("Pending", ready.get("message") or ready.get("reason") or "no condition Ready yet", url)
