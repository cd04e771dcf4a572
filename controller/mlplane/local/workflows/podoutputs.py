"""What a Pod's template declares as its outputs, kept on the Pod. Pure.

So the end of a Pod can be read without its template, whose tags may stand for other values by then.
"""

import json

from mlplane.api import Body
from mlplane.local.workflows.identity import OUTPUTS_ANNOTATION


def noted(template: Body, *, wants_result: bool) -> str:
    """The text of the annotation for a template with all tags replaced."""
    parameters = (template.get("outputs") or {}).get("parameters") or []
    return json.dumps({"parameters": parameters, "result": wants_result})


def outputs_of(pod: Body) -> Body:
    """What a Pod is to put out: ``parameters``, and whether it has a ``result``."""
    text = (pod["metadata"].get("annotations") or {}).get(OUTPUTS_ANNOTATION)
    found: Body = json.loads(text) if text else {"parameters": [], "result": False}
    return found


def paths_of(pod: Body) -> tuple[str, ...]:
    """The files that hold its output parameters."""
    sources = (each.get("valueFrom") or {} for each in outputs_of(pod)["parameters"])
    return tuple(source["path"] for source in sources if "path" in source)
