"""An operator as Kopf's documentation teaches it: the peer that mlplane's controller is compared with.

Handlers for create, update and delete; the child is adopted; the status is patched; Kopf adds its finalizer,
since there is a delete handler. Two things are better than in the documentation, in the peer's favour: a
child that exists already is no error, and a failed handler is tried again after 5 s and not after 60 s.

Run: ``kopf run --standalone --all-namespaces kopf_operator.py``.
"""

import json
from typing import Any

import kopf
import kubernetes

GROUP, VERSION, PLURAL = "peers.mlplane.dev", "v1", "things"
WORKFLOWS = ("argoproj.io", "v1alpha1")
BACKOFF_S = 5


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Quiet, and with as many threads as there are objects at once."""
    kubernetes.config.load_kube_config()
    settings.posting.enabled = False
    settings.execution.max_workers = 20


@kopf.on.create(GROUP, VERSION, PLURAL, backoff=BACKOFF_S)
def create(spec: Any, name: str, namespace: str, meta: Any, patch: kopf.Patch, **_: Any) -> None:
    """Make the child."""
    child = {
        "apiVersion": "/".join(WORKFLOWS),
        "kind": "Workflow",
        "metadata": {"name": name, "annotations": {"made-for": json.dumps(dict(spec))}},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "busybox"}}]},
    }
    kopf.adopt(child)
    try:
        kubernetes.client.CustomObjectsApi().create_namespaced_custom_object(
            *WORKFLOWS, namespace, "workflows", child
        )
    except kubernetes.client.ApiException as error:
        if error.status != 409 or "AlreadyExists" not in str(error.body):
            raise
    patch.status["child"] = name
    patch.status["observedGeneration"] = meta["generation"]


@kopf.on.update(GROUP, VERSION, PLURAL, field="spec", backoff=BACKOFF_S)
def update(spec: Any, name: str, namespace: str, meta: Any, patch: kopf.Patch, **_: Any) -> None:
    """Change the child."""
    change = {"metadata": {"annotations": {"made-for": json.dumps(dict(spec))}}}
    kubernetes.client.CustomObjectsApi().patch_namespaced_custom_object(
        *WORKFLOWS, namespace, "workflows", name, change
    )
    patch.status["observedGeneration"] = meta["generation"]


@kopf.on.delete(GROUP, VERSION, PLURAL, backoff=BACKOFF_S)
def delete(name: str, logger: Any, **_: Any) -> None:
    """Nothing outside the cluster is left to clean up; the child goes with its owner."""
    logger.info("%s goes", name)
