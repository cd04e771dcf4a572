"""What is wrong with a Workflow, found before any Pod runs: pure.

The closed schema of what is supported says which fields may be there (``mlplane.schema.foreign``); this
says whether they fit together, as Argo's own validation does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from mlplane.api import Body
from mlplane.local.workflows import callers
from mlplane.local.workflows.calls import parameters_of, value_of
from mlplane.local.workflows.clock import DURATION
from mlplane.local.workflows.defaults import TYPES, with_defaults
from mlplane.local.workflows.gotext import text_of
from mlplane.local.workflows.hooks import exit_hook
from mlplane.local.workflows.knowntags import global_tags, malformed, template_tags, unknown

SCRIPT_LIMIT = 128 * 1024
"""Bytes of a script's source, which an annotation of its Pod has to hold."""
_DURATIONS = ("timeout", "pendingTimeout")


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
    found += _argument_problems(spec)
    if found:
        return found
    defaults = spec.get("templateDefaults") or {}
    templates = {each["name"]: with_defaults(each, defaults) for each in spec["templates"]}
    known = global_tags(workflow)
    found += _spec_problems(spec, templates, known)
    for template in templates.values():
        found += [
            f"spec.templates.{template['name']}{each}"
            for each in _template_problems(template, templates, known)
        ]
    return found or callers.endless(spec["entrypoint"], templates, ())


def _argument_problems(spec: Body) -> Iterator[str]:
    for each in parameters_of(spec):
        where, value = f"spec.arguments.parameters.{each['name']}", value_of(each)
        if value is None:
            yield f"{where}: has no value"
        yield from _enum_problems(where, each)


def _enum_problems(where: str, parameter: Body) -> Iterator[str]:
    value, enum = value_of(parameter), parameter.get("enum")
    if enum is None or value is None or "{{" in text_of(value):
        return
    allowed = [text_of(each) for each in enum]
    if text_of(value) not in allowed:
        yield f"{where}.value: found {text_of(value)!r}; its enum allows {', '.join(allowed)}"


def _spec_problems(spec: Body, templates: Mapping[str, Body], known: frozenset[str]) -> Iterator[str]:
    inner = ("templates", "templateDefaults", "hooks")
    outside = {key: value for key, value in spec.items() if key not in inner}
    yield from (f"spec: {each}" for each in unknown(outside, known))
    if hook := exit_hook(spec):
        where = "spec.onExit" if spec.get("onExit") else "spec.hooks.exit"
        yield from callers.template_problems(where, hook["template"], templates)
    for name, hook in (spec.get("hooks") or {}).items():
        yield from callers.hook_problems(f"spec.hooks.{name}", name, hook, templates, known)


def _template_problems(template: Body, templates: Mapping[str, Body], known: frozenset[str]) -> Iterator[str]:
    types = [each for each in TYPES if each in template]
    if len(types) != 1:
        yield f": must have exactly one of {', '.join(TYPES[:-1])} and {TYPES[-1]}"
        return
    tags = known | template_tags(template)
    later = ("steps", "dag", "inputs", *(("outputs",) if types[0] in ("steps", "dag") else ()))
    fixed = {key: value for key, value in template.items() if key not in later}
    yield from (f": {each}" for each in unknown(fixed, tags))
    for each in (template.get("inputs") or {}).get("parameters") or ():
        yield from _enum_problems(f".inputs.parameters.{each['name']}", each)
        yield from (f".inputs.parameters.{each['name']}: {why}" for why in unknown(each, tags))
    yield from _leaf_problems(template, types[0])
    yield from _output_problems(template, types[0])
    yield from _retry_problems(template.get("retryStrategy") or {})
    if types[0] == "steps":
        yield from callers.steps_problems(template, templates, tags)
    elif types[0] == "dag":
        yield from callers.dag_problems(template, templates, tags)


def _leaf_problems(template: Body, type_: str) -> Iterator[str]:
    runs_pods = type_ in ("container", "script")
    if type_ in ("steps", "dag"):
        if "activeDeadlineSeconds" in template:
            yield ".activeDeadlineSeconds: is only valid for leaf templates"
    elif "parallelism" in template:
        yield ".parallelism: is only valid for steps and dag templates"
    if "activeDeadlineSeconds" in template and type_ == "suspend":
        yield ".activeDeadlineSeconds: is not supported for suspend templates; use suspend.duration"
    for field in _DURATIONS:
        yield from _duration_problems(f".{field}", template.get(field))
    yield from _duration_problems(".suspend.duration", (template.get("suspend") or {}).get("duration"))
    source = (template.get("script") or {}).get("source", "")
    if runs_pods and len(source.encode()) > SCRIPT_LIMIT:
        yield f".script.source: has {len(source.encode())} bytes; {SCRIPT_LIMIT} are supported"


def _duration_problems(where: str, text: str | None) -> Iterator[str]:
    if text is not None and "{{" not in text and not DURATION.fullmatch(text):
        yield f"{where}: unable to parse {text} as a duration: allowed are seconds, such as 90, or 1h30m, 2m"


_SOURCES = {
    "steps": ("parameter", "expression"),
    "dag": ("parameter", "expression"),
    "suspend": ("supplied",),
}


def _output_problems(template: Body, type_: str) -> Iterator[str]:
    for each in (template.get("outputs") or {}).get("parameters") or ():
        where, allowed = f".outputs.parameters.{each['name']}.valueFrom", _SOURCES.get(type_, ("path",))
        found = [key for key in each["valueFrom"] if key != "default"]
        if len(found) != 1 or found[0] not in allowed:
            has = " and ".join(found) or "none"
            yield f"{where}: {type_} templates have one of {', '.join(allowed)}; found {has}"
        yield from (
            f"{where}.expression: {why}" for why in malformed(each["valueFrom"].get("expression") or "nil")
        )


def _retry_problems(strategy: Body) -> Iterator[str]:
    expression = strategy.get("expression") or "nil"
    if "{{" not in expression:
        yield from (f".retryStrategy.expression: {why}" for why in malformed(expression))
    backoff = strategy.get("backoff") or {}
    for field in ("duration", "maxDuration", "cap"):
        yield from _duration_problems(f".retryStrategy.backoff.{field}", backoff.get(field))
    if backoff and "duration" not in backoff:
        yield ".retryStrategy.backoff: no base duration specified for retryStrategy"
