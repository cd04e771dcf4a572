"""KServe: what a ModelServer becomes, and what an InferenceService was asked to serve.

Plain typed JSON rather than the ``kserve`` package, which takes a second and 127 MB to import and
belongs to the serving runtime; the tests check the result against KServe's own CRD. What came of it
is read in ``kservestatus``.
"""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

from mlplane import names
from mlplane.adapters.children import labels_for, owner_reference, short_digest
from mlplane.api import Body, ModelServer, ModelVersion
from mlplane.api.reading import at, mapping, mappings, text
from mlplane.settings import Settings
from mlplane.store.uris import resolve

STANDARD_MODE = {"serving.kserve.io/deploymentMode": "Standard"}
"""Written out because KServe's canaries are refused where the mode is only the default."""
CONTAINER = "kserve-container"
"""What KServe calls the container that serves."""
POD_LABEL = "app=isvc."
"""Followed by the name of a Deployment: what KServe's pods are found by."""


class EnvVar(TypedDict):
    """An environment variable of the predictor."""

    name: str
    value: str


class ModelFormat(TypedDict):
    """The format that a runtime is looked up by."""

    name: str


class Model(TypedDict):
    """``spec.predictor.model`` of an InferenceService."""

    name: NotRequired[str]
    modelFormat: ModelFormat
    protocolVersion: str
    runtime: str
    storageUri: str
    env: list[EnvVar]


class Predictor(TypedDict):
    """``spec.predictor`` of an InferenceService."""

    name: str
    minReplicas: int
    maxReplicas: NotRequired[int]
    serviceAccountName: str
    automountServiceAccountToken: bool
    model: Model


class Canary(TypedDict):
    """An entry of ``spec.canary`` of an InferenceService."""

    predictor: Predictor
    trafficPercent: int


@dataclass(frozen=True)
class Served:
    """A model as a predictor serves it."""

    digest: str
    url: str
    """Where KServe fetches it."""

    @property
    def predictor(self) -> str:
        """Name of its predictor: of the digest, so that promoting a canary renames nothing."""
        return f"v-{short_digest(self.digest)}"


@dataclass(frozen=True)
class Serving:
    """What an InferenceService is asked to serve."""

    stable: Served
    canary: Served | None = None
    percent: int = 0
    """Share of the traffic that the canary is given once it is ready."""


def served_as(version: ModelVersion, settings: Settings) -> Served:
    """How a version is served."""
    return Served(version.spec.artifact.digest, resolve(version.spec.artifact.uri, settings.store))


def inference_service_for(server: ModelServer, version: ModelVersion, settings: Settings) -> Body:
    """The InferenceService that serves a version, and nothing beside it."""
    return service_for(server, Serving(served_as(version, settings)))


def service_for(server: ModelServer, serving: Serving) -> Body:
    """The InferenceService that serves one model, or two of them during a rollout."""
    spec: Body = {"predictor": _predictor(serving.stable)}
    if serving.canary:
        spec["canary"] = [_canary(serving.canary, serving.percent)]
    return {
        "apiVersion": names.INFERENCE_SERVICE_API_VERSION,
        "kind": names.INFERENCE_SERVICE_KIND,
        "metadata": {
            "name": server.name,
            "namespace": server.metadata.namespace or "default",
            "labels": labels_for(server),
            "annotations": dict(STANDARD_MODE),
            "ownerReferences": [owner_reference(server)],
        },
        "spec": spec,
    }


def serving_of(service: Body) -> Serving | None:
    """What an InferenceService is asked to serve; None if that is nothing that is rendered here."""
    stable = _served(at(service, "spec", "predictor"))
    canaries = mappings(at(service, "spec", "canary"))
    canary = _served(canaries[0].get("predictor")) if canaries else None
    percent = canaries[0].get("trafficPercent") if canary else 0
    return Serving(stable, canary, percent if isinstance(percent, int) else 0) if stable else None


def workload_of(service: Body, predictor: str) -> str:
    """What KServe calls the Deployment and the Service of a predictor."""
    return "-".join(part for part in (text(at(service, "metadata", "name")), predictor, "predictor") if part)


def _predictor(served: Served) -> Predictor:
    return {
        "name": served.predictor,
        "minReplicas": 1,
        "maxReplicas": 1,
        "serviceAccountName": names.SERVER_SERVICE_ACCOUNT,
        "automountServiceAccountToken": False,
        "model": {
            "modelFormat": {"name": names.SERVING_RUNTIME},
            "protocolVersion": "v2",
            "runtime": names.SERVING_RUNTIME,
            "storageUri": served.url,
            "env": [{"name": names.MODEL_DIGEST_ENV, "value": served.digest}],
        },
    }


def _canary(served: Served, percent: int) -> Canary:
    predictor = _predictor(served)
    del predictor["maxReplicas"]  # a canary is not scaled, and KServe refuses what would scale it
    # KServe's CRD requires the name here, and its webhook refuses it in the stable predictor.
    predictor["model"]["name"] = CONTAINER
    return {"predictor": predictor, "trafficPercent": percent}


def _served(predictor: object) -> Served | None:
    model = mapping(at(predictor, "model"))
    values = (e.get("value") for e in mappings(model.get("env")) if e.get("name") == names.MODEL_DIGEST_ENV)
    served = Served(text(next(values, "")), text(model.get("storageUri")))
    is_ours = served.digest and served.url and at(predictor, "name") == served.predictor
    return served if is_ours else None
