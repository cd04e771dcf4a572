"""What is wrong with the steps, tasks and hooks of a Workflow. Pure; called by ``validation.py``."""

from collections.abc import Iterator, Mapping

from mlplane.api import Body
from mlplane.local.workflows import depends
from mlplane.local.workflows.calls import value_of
from mlplane.local.workflows.hooks import EXIT
from mlplane.local.workflows.knowntags import caller_tags, malformed, unknown
from mlplane.local.workflows.loops import FIELDS, is_loop
from mlplane.local.workflows.scopes import Kind

Templates = Mapping[str, Body]
_HOOK_FIELDS = ("hooks", "onExit")


def template_problems(where: str, name: str, templates: Templates) -> Iterator[str]:
    """What is wrong with the name of a template."""
    if name not in templates:
        yield f"{where}: template {name!r} undefined"


def hook_problems(
    where: str, name: str, hook: Body, templates: Templates, known: frozenset[str] | set[str]
) -> Iterator[str]:
    """What is wrong with a hook."""
    yield from template_problems(where, hook["template"], templates)
    if name != EXIT and not hook.get("expression"):
        yield f"{where}.expression: is missing; every hook but exit has one"
    yield from (f"{where}.expression: {why}" for why in malformed(hook.get("expression") or "nil"))
    yield from (f"{where}: {why}" for why in unknown(hook.get("arguments"), known))


def steps_problems(template: Body, templates: Templates, known: set[str] | frozenset[str]) -> Iterator[str]:
    """What is wrong with the steps of a template."""
    seen: set[str] = set()
    for number, group in enumerate(template["steps"]):
        made: set[str] = set()
        for step in group:
            where = f".steps[{number}].{step['name']}"
            if step["name"] in seen:
                yield f"{where}: there is a step of this name already"
            seen.add(step["name"])
            yield from (f"{where}{each}" for each in _caller_problems("steps", step, templates, known))
            made |= caller_tags("steps", step, templates.get(step["template"]) or {})
        known |= made
    yield from (f".outputs: {each}" for each in unknown(_references(template), known))


def dag_problems(template: Body, templates: Templates, known: set[str] | frozenset[str]) -> Iterator[str]:
    """What is wrong with the tasks of a template."""
    declared = template["dag"]["tasks"]
    tasks = {task["name"]: task for task in declared}
    if len(tasks) < len(declared):
        yield ".dag.tasks: there are two tasks of one name"
    target = template["dag"].get("target") or ""
    if "{{" not in target:
        for name in target.split():
            if name not in tasks:
                yield f".dag.target: target '{name}' is not defined"
    dangling = [
        f".dag.tasks.{task['name']}: waits for {name!r}, which is not there"
        for task in declared
        for name in depends.names_in(task)
        if name not in tasks
    ]
    cycle = "" if dangling else _cycle(tasks)
    yield from dangling
    if cycle:
        yield f".dag.tasks: {cycle}"
    if dangling or cycle:
        return
    for task in declared:
        yield from (f".dag.tasks.{task['name']}{each}" for each in _wait_problems(task, declared))
        tags = known | _tags_before(task, tasks, templates)
        yield from (
            f".dag.tasks.{task['name']}{each}" for each in _caller_problems("tasks", task, templates, tags)
        )
    every = known.union(
        *(caller_tags("tasks", each, templates.get(each["template"]) or {}) for each in declared)
    )
    yield from (f".outputs: {each}" for each in unknown(_references(template), every))


def _wait_problems(task: Body, declared: list[Body]) -> Iterator[str]:
    if any(each.get("depends") for each in declared) and any(each.get("dependencies") for each in declared):
        yield ": cannot use both 'depends' and 'dependencies' in the same DAG template"
    if any(each.get("depends") for each in declared) and task.get("continueOn"):
        yield ".continueOn: cannot be used with 'depends'; use 'dep-task.Failed' or 'dep-task.Errored' there"
    yield from (f".depends: {each}" for each in depends.unknown_results(task))
    if names := depends.names_in(task):
        yield from (f": waits for {name!r}, which begins with a digit" for name in names if name[0].isdigit())
        condition = depends.condition_of(task, {each["name"]: each for each in declared}).replace("-", "_")
        yield from (f".depends: {each}" for each in malformed(condition))


def _tags_before(task: Body, tasks: Mapping[str, Body], templates: Templates) -> set[str]:
    """Tags of all tasks that are over when a task begins."""
    found: set[str] = set()
    pending, seen = depends.names_in(task), set[str]()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            found |= caller_tags("tasks", tasks[name], templates.get(tasks[name]["template"]) or {})
            pending += depends.names_in(tasks[name])
    return found


def _cycle(tasks: Mapping[str, Body]) -> str:
    """The tasks that wait for each other; empty if none do."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> str:
        if name in above:
            return " waits for ".join((*above[above.index(name) :], name))
        if name in done:
            return ""
        found = next((f for each in depends.names_in(tasks[name]) if (f := visit(each, (*above, name)))), "")
        done.add(name)
        return found

    return next((found for name in tasks if (found := visit(name, ()))), "")


def _references(template: Body) -> list[str]:
    """The tags in the outputs of a Steps or DAG template."""
    sources = (each["valueFrom"] for each in (template.get("outputs") or {}).get("parameters") or ())
    found = [source["parameter"] for source in sources if "parameter" in source]
    return [each if each.startswith("{{") else f"{{{{{each}}}}}" for each in found]


def _caller_problems(
    kind: Kind, caller: Body, templates: Templates, known: set[str] | frozenset[str]
) -> Iterator[str]:
    """What is wrong with a step or a task, each beginning with what follows its name."""
    plain = {key: value for key, value in caller.items() if key not in _HOOK_FIELDS}
    yield from (f": {each}" for each in unknown(plain, known, in_loop=is_loop(caller)))
    if caller["template"] not in templates:
        yield f": template {caller['template']!r} undefined"
        return
    if sum(field in caller for field in FIELDS) > 1:
        yield f": only one of {', '.join(FIELDS)} can be specified"
    given = {each["name"] for each in (caller.get("arguments") or {}).get("parameters") or ()}
    for declared in (templates[caller["template"]].get("inputs") or {}).get("parameters") or ():
        if declared["name"] not in given and value_of(declared) is None:
            yield f": inputs.parameters.{declared['name']} was not supplied"
    own = known | caller_tags(kind, caller, templates[caller["template"]])
    if caller.get("onExit"):
        yield from template_problems(".onExit", caller["onExit"], templates)
    for name, hook in (caller.get("hooks") or {}).items():
        yield from hook_problems(f".hooks.{name}", name, hook, templates, own)


def endless(name: str, templates: Templates, above: tuple[str, ...]) -> list[str]:
    """A template that calls itself, at any remove, under no condition: it would never end."""
    if name in above:
        return [f"spec.templates: {' calls '.join((*above[above.index(name) :], name))}"]
    steps = [step for group in templates[name].get("steps") or () for step in group]
    tasks = [
        task for task in (templates[name].get("dag") or {}).get("tasks") or () if not task.get("depends")
    ]
    certain = [each for each in (*steps, *tasks) if not each.get("when") and not is_loop(each)]
    return [each for step in certain for each in endless(step["template"], templates, (*above, name))][:1]
