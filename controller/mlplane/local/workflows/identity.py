"""How Argo names the nodes and Pods of a Workflow, and what it writes on them. Pure."""

import re

GROUP = "workflows.argoproj.io"
WORKFLOW_LABEL = f"{GROUP}/workflow"
"""On Pods: the Workflow that they belong to."""
PHASE_LABEL = f"{GROUP}/phase"
COMPLETED_LABEL = f"{GROUP}/completed"
NODE_ID_ANNOTATION = f"{GROUP}/node-id"
NODE_NAME_ANNOTATION = f"{GROUP}/node-name"

MAIN_CONTAINER = "main"
ENGINE_MANAGER = "mlplane-workflows"
"""Field manager of what the engine writes."""

_SEPARATOR = re.compile(r"^(\[\d+\])?\.")
_POD_NAME_LIMIT = 253 - 10 - 1


def fnv32a(text: str) -> int:
    """The 32-bit FNV-1a hash, which Argo uses for ids."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def node_id(workflow: str, node_name: str) -> str:
    """Key of a node in ``status.nodes``."""
    return workflow if node_name == workflow else f"{workflow}-{fnv32a(node_name)}"


def pod_name(workflow: str, node_name: str, template: str) -> str:
    """Name of a node's Pod (Argo's format v2)."""
    if node_name == workflow:
        return workflow
    return f"{f'{workflow}-{template}'[:_POD_NAME_LIMIT]}-{fnv32a(node_name)}"


def display_name(node_name: str, boundary_name: str) -> str:
    """What people see: ``wf[0].train(1)`` inside ``wf`` is ``train(1)``."""
    return _SEPARATOR.sub("", node_name.removeprefix(boundary_name), count=1)
