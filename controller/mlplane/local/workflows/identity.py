"""How Argo names the nodes and Pods of a Workflow, and what it writes on them. Pure."""

import re

GROUP = "workflows.argoproj.io"
WORKFLOW_LABEL = f"{GROUP}/workflow"
"""On Pods: the Workflow that they belong to."""
PHASE_LABEL = f"{GROUP}/phase"
COMPLETED_LABEL = f"{GROUP}/completed"
ON_EXIT_LABEL = f"{GROUP}/on-exit"
"""On Pods that belong to an exit handler."""
NODE_ID_ANNOTATION = f"{GROUP}/node-id"
NODE_NAME_ANNOTATION = f"{GROUP}/node-name"
POD_NAMES_ANNOTATION = f"{GROUP}/pod-name-format"
POD_NAMES = "v2"

OUTPUTS_ANNOTATION = "workflows.mlplane.dev/outputs"
"""On Pods: the outputs that their template declares, as JSON."""
SCRIPT_ANNOTATION = "workflows.mlplane.dev/script"
"""On Pods: the source of their script, which a volume of the downward API makes a file."""

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


def exit_name(node_name: str) -> str:
    """Name of the node of another's exit handler."""
    return f"{node_name}.onExit"


def hook_name(node_name: str, hook: str) -> str:
    """Name of the node of another's hook."""
    return f"{node_name}.hooks.{hook}"
