"""The Pod of a node: pure."""

import re
from datetime import datetime

from mlplane import names
from mlplane.api import Body
from mlplane.local.nodenames import NODE_NAME, STDOUT_ANNOTATION
from mlplane.local.workflows import identity
from mlplane.local.workflows.calls import Call
from mlplane.local.workflows.clock import later
from mlplane.local.workflows.podoutputs import noted
from mlplane.local.workflows.walk import Walk

PROGRESS_FILE = f"{names.WORK_DIR}/progress"
"""Where a container writes ``N/M`` lines; told to it as ARGO_PROGRESS_FILE."""
SCRIPT_VOLUME = "argo-staging"
SCRIPT_FOLDER = f"{names.WORK_DIR}/.argo"
SCRIPT_NAME = "script"

_FROM_SPEC = (
    "volumes", "serviceAccountName", "automountServiceAccountToken", "securityContext", "nodeSelector",
    "tolerations",
)  # fmt: skip


def pod_for(workflow: Body, spec: Body, call: Call, template: Body, *, wants_result: bool) -> Body:
    """The Pod that runs a container or a script.

    Args:
        workflow: The Workflow, its owner.
        spec: Its spec, with workflow-wide tags replaced.
        call: The call.
        template: Its template, with all tags replaced.
        wants_result: Whether its standard output is to be kept.
    """
    container = {**(template.get("script") or template["container"]), "name": identity.MAIN_CONTAINER}
    container["env"] = [*(container.get("env") or ()), {"name": "ARGO_PROGRESS_FILE", "value": PROGRESS_FILE}]
    pod: Body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(workflow, spec, call, template, wants_result=wants_result),
        "spec": {
            "nodeName": NODE_NAME,
            "restartPolicy": "Never",
            **{key: spec[key] for key in _FROM_SPEC if key in spec},
            **{key: template[key] for key in _FROM_SPEC if key in template and key != "volumes"},
            "containers": [container],
        },
    }
    volumes = [*(spec.get("volumes") or ()), *(template.get("volumes") or ())]
    if volumes:
        pod["spec"]["volumes"] = volumes
    if "script" in template:
        _add_script(pod, container)
    return pod


def _metadata(workflow: Body, spec: Body, call: Call, template: Body, *, wants_result: bool) -> Body:
    meta, own = workflow["metadata"], template.get("metadata") or {}
    shared = spec.get("podMetadata") or {}
    labels = {identity.WORKFLOW_LABEL: meta["name"]}
    if call.use.on_exit:
        labels[identity.ON_EXIT_LABEL] = "true"
    annotations = {
        identity.NODE_ID_ANNOTATION: identity.node_id(meta["name"], call.node_name),
        identity.NODE_NAME_ANNOTATION: call.node_name,
        identity.OUTPUTS_ANNOTATION: noted(template, wants_result=wants_result),
        "kubectl.kubernetes.io/default-container": identity.MAIN_CONTAINER,
    }
    if wants_result:
        annotations[STDOUT_ANNOTATION] = identity.MAIN_CONTAINER
    return {
        "name": identity.pod_name(meta["name"], call.node_name, template["name"]),
        "namespace": meta["namespace"],
        "labels": {**(shared.get("labels") or {}), **(own.get("labels") or {}), **labels},
        "annotations": {
            **(shared.get("annotations") or {}),
            **(own.get("annotations") or {}),
            **annotations,
        },
        "ownerReferences": [_owner(workflow)],
    }


def _add_script(pod: Body, container: Body) -> None:
    """Give the source to the interpreter as a file, which is how Argo does it."""
    source = container.pop("source", "")
    if not source:
        return
    pod["metadata"]["annotations"][identity.SCRIPT_ANNOTATION] = source
    item = {
        "path": SCRIPT_NAME,
        "fieldRef": {"fieldPath": f"metadata.annotations['{identity.SCRIPT_ANNOTATION}']"},
    }
    volume = {"name": SCRIPT_VOLUME, "downwardAPI": {"items": [item]}}
    pod["spec"]["volumes"] = [*(pod["spec"].get("volumes") or ()), volume]
    mount = {"name": SCRIPT_VOLUME, "mountPath": SCRIPT_FOLDER}
    container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    container["args"] = [*(container.get("args") or ()), f"{SCRIPT_FOLDER}/{SCRIPT_NAME}"]


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


def wants_result(call: Call, above: str) -> bool:
    """Whether the template that a call stands in, given as JSON, refers to its standard output."""
    name = next(iter(call.use.called_as.values()), "").partition("(")[0]
    quoted = re.escape(name)
    pattern = rf"""(steps|tasks)(\.{quoted}|\[\\?['"]{quoted}\\?['"]\])\.outputs\.result"""
    return bool(name) and re.search(pattern, above) is not None


def deadline_of(walk: Walk, call: Call, node: Body, template: Body) -> int | None:
    """Seconds that a Pod may run: the shortest of all limits that bear on it. Raises Unresolvable."""
    ends: list[datetime] = [] if call.until is None else [call.until]
    if walk.deadline is not None and not call.use.on_exit:
        ends.append(walk.deadline)
    if template.get("timeout"):
        ends.append(later(node["startedAt"], call.seconds(template["timeout"])))
    limits = [int((end - walk.now).total_seconds()) for end in ends]
    if (own := template.get("activeDeadlineSeconds")) is not None:
        limits.append(call.whole("activeDeadlineSeconds", own))
    return min(limits, default=None)


def ended_at(pod: Body) -> str:
    """When the last container of a Pod ended; empty if it is not known."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ended = ((status.get("state") or {}).get("terminated") or {} for status in statuses)
    return max((each.get("finishedAt") or "" for each in ended), default="")
