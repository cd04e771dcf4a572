"""InferenceServices, runtimes and Pods as they stand in an API server."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

Body = dict[str, Any]


@pytest.fixture
def runtime() -> Body:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": "mlplane-torch"},
        "spec": {
            "supportedModelFormats": [{"name": "mlplane-torch"}],
            "containers": [
                {
                    "name": "kserve-container",
                    "image": "ghcr.io/mlplane/runtime:1",
                    "command": ["python", "-m", "mlplane.serving"],
                    "args": ["--model-name={{.Name}}", "--model-dir=/mnt/models"],
                    "ports": [{"containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"path": "/v2/models/{{.Name}}/ready", "port": 8080}},
                }
            ],
        },
    }


@pytest.fixture
def service() -> Body:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "digits",
            "namespace": "default",
            "uid": "u1",
            "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "predictor": {
                "name": "v-1",
                "serviceAccountName": "mlplane-server",
                "automountServiceAccountToken": False,
                "model": {
                    "modelFormat": {"name": "mlplane-torch"},
                    "protocolVersion": "v2",
                    "runtime": "mlplane-torch",
                    "storageUri": "file:///store/models/digits/sha256-1",
                    "env": [{"name": "MLPLANE_MODEL_DIGEST", "value": "sha256:1"}],
                },
            }
        },
    }


@pytest.fixture
def changed(service: Body) -> Callable[..., Body]:
    """The service with another model."""

    def change(version: str = "2", **predictor: Any) -> Body:
        other = copy.deepcopy(service)
        other["metadata"]["generation"] += 1
        other["spec"]["predictor"]["model"]["storageUri"] = f"file:///store/models/digits/sha256-{version}"
        other["spec"]["predictor"] |= predictor
        return other

    return change


@pytest.fixture
def living() -> Callable[..., Body]:
    """A Pod as a node has made it: ready and listening, if nothing else is said."""

    def live(pod: Body, *, port: int = 4000, is_ready: bool = True, **status: Any) -> Body:
        pod = copy.deepcopy(pod)
        pod["metadata"] |= {"uid": f"uid-{pod['metadata']['name']}"}
        pod["metadata"].setdefault("annotations", {})["node.mlplane.dev/port"] = str(port)
        ready = {"type": "Ready", "status": "True" if is_ready else "False"}
        pod["status"] = {"phase": "Running", "podIP": "127.0.0.1", "conditions": [ready]} | status
        return pod

    return live
