"""The ClusterServingRuntime that serves exported torch programs: what KServe starts for a ModelServer.

Pure. Applied with the operator's manifests on a cluster, and by the plane itself on a laptop.
"""

from mlplane.api.meta import Body
from mlplane.names import MODEL_DIR, SERVING_RUNTIME

_PORT = 8080


def serving_runtime(image: str) -> Body:
    """The runtime.

    Args:
        image: Image with mlplane and its extra ``serving``.
    """
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": SERVING_RUNTIME},
        "spec": {
            "supportedModelFormats": [{"name": SERVING_RUNTIME, "version": "1", "autoSelect": False}],
            "protocolVersions": ["v1", "v2"],
            "multiModel": False,
            "containers": [
                {
                    "name": "kserve-container",
                    "image": image,
                    "command": ["python", "-m", "mlplane.serving"],
                    "args": ["--model-name={{.Name}}", f"--model-dir={MODEL_DIR}"],
                    "ports": [{"name": "http", "containerPort": _PORT, "protocol": "TCP"}],
                    # The last line of the log says why a model was refused: so it stands in the Pod's status.
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    "readinessProbe": {
                        "httpGet": {"path": "/v2/models/{{.Name}}/ready", "port": _PORT},
                        "periodSeconds": 1,
                        "failureThreshold": 3,
                    },
                    "livenessProbe": {
                        "httpGet": {"path": "/v2/health/live", "port": _PORT},
                        "initialDelaySeconds": 60,
                        "periodSeconds": 10,
                        "failureThreshold": 6,
                    },
                    "securityContext": {
                        "runAsNonRoot": True,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                }
            ],
        },
    }
