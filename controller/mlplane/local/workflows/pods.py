"""The Pod of a node: pure."""

from mlplane import names
from mlplane.api import Body
from mlplane.local.nodenames import NODE_NAME
from mlplane.local.workflows import identity

PROGRESS_FILE = f"{names.WORK_DIR}/progress"
"""Where a container writes ``N/M`` lines; told to it as ARGO_PROGRESS_FILE."""

_FROM_SPEC = ("volumes", "serviceAccountName", "automountServiceAccountToken", "securityContext")


def pod_for(workflow: Body, spec: Body, node_name: str, template: Body) -> Body:
    """The Pod that runs a container template.

    Args:
        workflow: The Workflow, its owner.
        spec: Its spec, with workflow-wide tags replaced.
        node_name: The node.
        template: The template, with all tags replaced.
    """
    meta, own = workflow["metadata"], template.get("metadata") or {}
    shared = spec.get("podMetadata") or {}
    container = {**template["container"], "name": identity.MAIN_CONTAINER}
    container["env"] = [*(container.get("env") or ()), {"name": "ARGO_PROGRESS_FILE", "value": PROGRESS_FILE}]
    annotations = {
        identity.NODE_ID_ANNOTATION: identity.node_id(meta["name"], node_name),
        identity.NODE_NAME_ANNOTATION: node_name,
        "kubectl.kubernetes.io/default-container": identity.MAIN_CONTAINER,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": identity.pod_name(meta["name"], node_name, template["name"]),
            "namespace": meta["namespace"],
            "labels": {
                **(shared.get("labels") or {}),
                **(own.get("labels") or {}),
                identity.WORKFLOW_LABEL: meta["name"],
            },
            "annotations": {
                **(shared.get("annotations") or {}),
                **(own.get("annotations") or {}),
                **annotations,
            },
            "ownerReferences": [_owner(workflow)],
        },
        "spec": {
            "nodeName": NODE_NAME,
            "restartPolicy": "Never",
            **{key: spec[key] for key in _FROM_SPEC if key in spec},
            "containers": [container],
        },
    }


def _owner(workflow: Body) -> Body:
    return {
        "apiVersion": names.WORKFLOW_API_VERSION,
        "kind": names.WORKFLOW_KIND,
        "name": workflow["metadata"]["name"],
        "uid": workflow["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_owned_by(pod: Body, workflow: Body) -> bool:
    """Whether the Pod was made for this very Workflow, not for an earlier one of its name."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner.get("uid") == workflow["metadata"]["uid"] for owner in owners)
