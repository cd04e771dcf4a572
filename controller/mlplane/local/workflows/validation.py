"""What is wrong with a Workflow, found before any Pod runs: pure.

The closed schema of what is supported says which fields may be there (``mlplane.schema.foreign``); this
says whether they fit together, as Argo's own validation does.
"""

from collections import Counter
from collections.abc import Iterator

from mlplane.api import Body
from mlplane.local.workflows.calls import parameters_of
from mlplane.local.workflows.templating import tags_of

_WORKFLOW_TAGS = frozenset({"workflow.name", "workflow.namespace", "workflow.uid"})


def problems(workflow: Body) -> list[str]:
    """All that does not fit together, each naming the field. Expects the types that the schema asks for."""
    spec = workflow["spec"]
    names = Counter(template["name"] for template in spec["templates"])
    found = [
        f"spec.templates: template {name!r} is there {count} times"
        for name, count in names.items()
        if count > 1
    ]
    if spec["entrypoint"] not in names:
        found.append(f"spec.entrypoint: template {spec['entrypoint']!r} undefined")
    if found:
        return found
    templates = {template["name"]: template for template in spec["templates"]}
    known = _WORKFLOW_TAGS | {f"workflow.parameters.{p['name']}" for p in parameters_of(spec)}
    found += [
        f"spec: {each}" for each in _unknown({k: v for k, v in spec.items() if k != "templates"}, known)
    ]
    found += [
        f"spec.arguments.parameters.{p['name']}: has no value"
        for p in parameters_of(spec)
        if "value" not in p
    ]
    for template in spec["templates"]:
        found += [
            f"spec.templates.{template['name']}{each}"
            for each in _template_problems(template, templates, known)
        ]
    return found or _loops(spec["entrypoint"], templates, ())


def _template_problems(template: Body, templates: dict[str, Body], known: frozenset[str]) -> Iterator[str]:
    known |= {
        f"inputs.parameters.{p['name']}" for p in (template.get("inputs") or {}).get("parameters") or ()
    }
    if ("steps" in template) == ("container" in template):
        yield ": must have exactly one of steps and container"
        return
    fixed = {key: value for key, value in template.items() if key not in ("steps", "inputs")}
    yield from (f": {each}" for each in _unknown(fixed, known))
    seen: set[str] = set()
    for number, group in enumerate(template.get("steps") or ()):
        made: set[str] = set()
        for step in group:
            where = f".steps[{number}].{step['name']}"
            if step["name"] in seen:
                yield f"{where}: there is a step of this name already"
            seen.add(step["name"])
            yield from (f"{where}: {each}" for each in _step_problems(step, templates, known))
            made |= _outputs(step, templates.get(step["template"]) or {})
        known |= made


def _step_problems(step: Body, templates: dict[str, Body], known: frozenset[str]) -> Iterator[str]:
    yield from _unknown(step, known)
    if step["template"] not in templates:
        yield f"template {step['template']!r} undefined"
        return
    given = {p["name"] for p in (step.get("arguments") or {}).get("parameters") or ()}
    for declared in (templates[step["template"]].get("inputs") or {}).get("parameters") or ():
        if declared["name"] not in given and "value" not in declared and "default" not in declared:
            yield f"inputs.parameters.{declared['name']} was not supplied"


def _outputs(step: Body, template: Body) -> set[str]:
    declared = (template.get("outputs") or {}).get("parameters") or ()
    return {f"steps.{step['name']}.outputs.parameters.{p['name']}" for p in declared}


def _unknown(value: object, known: frozenset[str]) -> Iterator[str]:
    yield from (f"failed to resolve {{{{{tag}}}}}" for tag in sorted(tags_of(value) - known))


def _loops(name: str, templates: dict[str, Body], above: tuple[str, ...]) -> list[str]:
    """A template that calls itself, at any remove: it would never end."""
    if name in above:
        return [f"spec.templates: {' calls '.join((*above[above.index(name) :], name))}"]
    steps = [step for group in templates[name].get("steps") or () for step in group]
    return [each for step in steps for each in _loops(step["template"], templates, (*above, name))][:1]
