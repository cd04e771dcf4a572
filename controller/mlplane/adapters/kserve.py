"""KServe: what a ModelServer becomes, and what came of it.

Plain typed JSON rather than the ``kserve`` package, which takes a second and 127 MB to import and
belongs to the serving runtime; the tests check the result against KServe's own CRD.
"""

from dataclasses import dataclass
from typing import Literal, TypedDict
from urllib.parse import urlsplit

from mlplane import names
from mlplane.adapters.children import labels_for, owner_reference, short_digest
from mlplane.api import Body, ModelServer, ModelVersion
from mlplane.api.conditions import of
from mlplane.api.reading import at, text
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


NOT_SEEN = "the InferenceService has not been looked at yet"
URL_LIMIT = 512


@dataclass(frozen=True)
class Endpoint:
    """How far an InferenceService is."""

    state: Literal["Pending", "Ready", "Failed"]
    message: str = ""
    url: str = ""


def endpoint_of(service: Body) -> Endpoint:
    """Read an InferenceService; what speaks of an older predictor is not there yet.

    ``status.observedGeneration`` does not tell: KServe writes the generation of the predictor's Deployment
    there, which is another one for each predictor. ``status.address`` names the predictor that was looked at.
    """
    transition = at(service, "status", "modelStatus", "transitionStatus")
    url, ready = text(at(service, "status", "url"))[:URL_LIMIT], of(service, "Ready")
    failure = at(service, "status", "modelStatus", "lastFailureInfo")
    failed = Endpoint("Failed", _why(failure) or "KServe does not say why", url)
    if transition == "InvalidSpec":  # KServe goes no further, and leaves the address as it was
        return failed
    if ready is None or _addressed(service) not in ("", _workload(service)):
        return Endpoint("Pending", NOT_SEEN, url)
    if transition == "BlockedByFailedLoad":
        return failed
    if ready.get("status") != "True":
        return Endpoint("Pending", _why(ready) or "it is not ready yet", url)
    return Endpoint("Ready", "", url) if url else Endpoint("Pending", "it is ready and has no address yet")


def _why(said: object) -> str:
    return text(at(said, "message")) or text(at(said, "reason"))


def _addressed(service: Body) -> str:
    """Name of the Service that the address leads to; empty before there is one."""
    try:
        host = urlsplit(text(at(service, "status", "address", "url"))).hostname
    except ValueError:  # no URL
        return "?"
    return (host or "").partition(".")[0]


def _workload(service: Body) -> str:
    """What KServe calls the Deployment and the Service of the predictor."""
    name = text(at(service, "spec", "predictor", "name"))
    return "-".join(part for part in (text(at(service, "metadata", "name")), name, "predictor") if part)
