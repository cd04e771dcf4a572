"""What the tags of a Workflow stand for wherever they are: ``workflow.name`` and the like. Pure."""

from datetime import UTC, datetime

from mlplane.api import Body
from mlplane.local.workflows.calls import parameters_of, value_of
from mlplane.local.workflows.clock import moment, text_at
from mlplane.local.workflows.gotext import compact, text_of
from mlplane.local.workflows.identity import pod_name
from mlplane.local.workflows.phases import has_failed

_FORMATS = "aAbBcCdDeFHIjklmMnprRStTuUvVwWxXyYzZ"
"""Characters of strftime."""
_PARAMETER_FIELDS = ("name", "default", "value", "valueFrom", "globalName", "enum", "description")


def global_scope(workflow: Body, now: datetime) -> dict[str, str | None]:
    """Tags that are known everywhere."""
    meta, spec = workflow["metadata"], workflow["spec"]
    status = workflow.get("status") or {}
    known: dict[str, str | None] = {
        "workflow.name": meta["name"],
        "workflow.namespace": meta["namespace"],
        "workflow.uid": meta["uid"],
        "workflow.mainEntrypoint": spec["entrypoint"],
        "workflow.serviceAccountName": spec.get("serviceAccountName") or "",
        "workflow.status": status.get("phase") or "Running",
        "workflow.duration": f"{duration(status, now):f}",
    }
    known |= _created(meta)
    parameters = parameters_of(spec)
    ordered = [{key: each[key] for key in _PARAMETER_FIELDS if key in each} for each in parameters]
    known |= dict.fromkeys(("workflow.parameters", "workflow.parameters.json"), _listed(ordered))
    known |= {f"workflow.parameters.{each['name']}": text_of(value_of(each)) for each in parameters}
    for kind in ("labels", "annotations"):
        given = meta.get(kind) or {}
        known |= dict.fromkeys((f"workflow.{kind}", f"workflow.{kind}.json"), compact(given))
        known |= {f"workflow.{kind}.{name}": value for name, value in given.items()}
    for each in (status.get("outputs") or {}).get("parameters") or ():
        known[f"workflow.outputs.parameters.{each['name']}"] = each.get("value")
    return known


def _listed(parameters: list[Body]) -> str:
    """A list of parameters as JSON, their fields in Argo's order."""
    made = [
        ",".join(f"{compact(key)}:{compact(value)}" for key, value in each.items()) for each in parameters
    ]
    return f"[{','.join(f'{{{fields}}}' for fields in made)}]"


def _created(meta: Body) -> dict[str, str | None]:
    text = meta.get("creationTimestamp")
    if not text:
        return {}
    created = moment(text).astimezone(UTC)
    known: dict[str, str | None] = dict.fromkeys(
        ("workflow.creationTimestamp", "workflow.creationTimestamp.RFC3339"), text_at(created)
    )
    known["workflow.creationTimestamp.s"] = str(int(created.timestamp()))
    return known | {f"workflow.creationTimestamp.{c}": created.strftime(f"%{c}") for c in _FORMATS}


def duration(status: Body, now: datetime) -> float:
    """Seconds since the Workflow began."""
    if not status.get("startedAt"):
        return 0.0
    end = moment(status["finishedAt"]) if status.get("finishedAt") else now
    return max(0.0, (end - moment(status["startedAt"])).total_seconds())


def failures(workflow: str, nodes: dict[str, Body]) -> str:
    """``workflow.failures``: the failed nodes as JSON, quoted as Argo quotes it."""
    found = [
        {
            "displayName": node["displayName"],
            "message": node.get("message", ""),
            "templateName": node.get("templateName", ""),
            "phase": node["phase"],
            "podName": pod_name(workflow, node["name"], node.get("templateName", "")),
            "finishedAt": node.get("finishedAt"),
        }
        for node in nodes.values()
        if has_failed(node)
    ]
    return compact(_listed(found) if found else "null")
