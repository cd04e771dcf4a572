"""The Pods of a predictor, as KServe's Standard mode makes them from an InferenceService and its runtime.

Pure. The names are made of the content, so that the same spec always means the same Pods: a changed spec
means other Pods, and nothing has to be remembered.
"""

import copy
import hashlib
import json
from typing import Any

from mlplane.api.meta import Body
from mlplane.local.inference.variants import Variant
from mlplane.local.nodenames import NODE_NAME
from mlplane.names import INFERENCE_SERVICE_API_VERSION, INFERENCE_SERVICE_KIND, MODEL_DIR

SERVICE_LABEL = "serving.kserve.io/inferenceservice"
COMPONENT_LABEL = "component"
COMPONENT = "predictor"
APP_LABEL = "app"
REVISION_LABEL = "pod-template-hash"
CONTAINER = "kserve-container"
STORAGE_INITIALIZER = "storage-initializer"
_VOLUME = "kserve-provision-location"
_POD_FIELDS = ("serviceAccountName", "automountServiceAccountToken")
_REPLACED = ("resources", "readinessProbe", "livenessProbe", "startupProbe")
"""What a service says of these takes the place of what its runtime says."""
_DEFAULT_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def pods_for(service: Body, runtime: Body, variant: Variant) -> list[Body]:
    """The Pods that shall serve one predictor.

    Args:
        service: The InferenceService.
        runtime: The ClusterServingRuntime that the predictor names.
        variant: The predictor, with its model.
    """
    spec = _pod_spec(service, runtime, variant.predictor)
    revision = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:10]
    return [_pod(service, variant, spec, revision, index) for index in range(variant.replicas)]


def revision_of(pod: Body) -> str:
    """Which content a Pod was made from."""
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))


def workload_of(pod: Body) -> str:
    """The workload that a Pod belongs to."""
    return str((pod["metadata"].get("labels") or {}).get(APP_LABEL, "")).removeprefix("isvc.")


def is_of(pod: Body, service: Body) -> bool:
    """Whether the service controls the Pod; one that was deleted and made again has another uid."""
    references = pod["metadata"].get("ownerReferences") or ()
    return any(r.get("controller") and r.get("uid") == service["metadata"]["uid"] for r in references)


def _pod(service: Body, variant: Variant, spec: Body, revision: str, index: int) -> Body:
    meta = service["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{variant.workload}-{revision}-{index}",
            "namespace": meta["namespace"],
            "labels": {
                APP_LABEL: f"isvc.{variant.workload}",
                SERVICE_LABEL: meta["name"],
                COMPONENT_LABEL: COMPONENT,
                REVISION_LABEL: revision,
            },
            "ownerReferences": [
                {
                    "apiVersion": INFERENCE_SERVICE_API_VERSION,
                    "kind": INFERENCE_SERVICE_KIND,
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": copy.deepcopy(spec),
    }


def _pod_spec(service: Body, runtime: Body, predictor: Body) -> Body:
    container = _container(service, runtime, predictor["model"])
    initializer = {
        "name": STORAGE_INITIALIZER,
        "image": container["image"],
        "command": ["python", "-m", "mlplane.store"],
        "args": ["download", predictor["model"]["storageUri"], MODEL_DIR],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": _VOLUME, "mountPath": MODEL_DIR}],
    }
    return {
        **{field: predictor[field] for field in _POD_FIELDS if field in predictor},
        "nodeName": NODE_NAME,
        "restartPolicy": "Always",
        "volumes": [{"name": _VOLUME, "emptyDir": {}}],
        "initContainers": [initializer],
        "containers": [container],
    }


def _container(service: Body, runtime: Body, model: Body) -> Body:
    """The runtime's container, with what the service says laid over it."""
    container = copy.deepcopy(next(c for c in runtime["spec"]["containers"] if c["name"] == CONTAINER))
    container |= {field: copy.deepcopy(model[field]) for field in _REPLACED if field in model}
    if args := [*(container.get("args") or ()), *(model.get("args") or ())]:
        container["args"] = args
    given = {"name": "INFERENCE_SERVICE_NAME", "value": service["metadata"]["name"]}
    env = {e["name"]: e for e in (*(container.get("env") or ()), *(model.get("env") or ()), given)}
    container["env"] = copy.deepcopy(list(env.values()))
    port = container["ports"][0]["containerPort"]
    container.setdefault("readinessProbe", {"tcpSocket": {"port": port}, **_DEFAULT_PROBE})
    mounts = container.setdefault("volumeMounts", [])
    mounts.append({"name": _VOLUME, "mountPath": MODEL_DIR, "readOnly": True})
    placeholders = {
        "{{.Name}}": service["metadata"]["name"],
        "{{.Namespace}}": service["metadata"]["namespace"],
    }
    filled: Body = _filled(container, placeholders)
    return filled


def _filled(value: Any, placeholders: dict[str, str]) -> Any:
    """A JSON value with KServe's placeholders replaced in every string."""
    match value:
        case str():
            for placeholder, text in placeholders.items():
                value = value.replace(placeholder, text)
            return value
        case list():
            return [_filled(item, placeholders) for item in value]
        case dict():
            return {key: _filled(item, placeholders) for key, item in value.items()}
    return value
