"""DAG templates: tasks that wait for each other. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlplane.api import Body
from mlplane.local.workflows import depends, loops
from mlplane.local.workflows.calls import Call, Use, arguments_of
from mlplane.local.workflows.dagphases import phase_of
from mlplane.local.workflows.exprfunctions import ExpressionError
from mlplane.local.workflows.hooks import Execute, all_done, run_exit, run_step_hooks
from mlplane.local.workflows.limits import TimedOut
from mlplane.local.workflows.phases import has_failed, is_done
from mlplane.local.workflows.scopes import aggregate_scope, node_scope, skipped_scope, template_outputs
from mlplane.local.workflows.templating import Scope, Unresolvable, should_execute, substitute
from mlplane.local.workflows.walk import Postponed, Walk

OMITTED = "omitted: depends condition not met"


def run(walk: Walk, call: Call, execute: Execute) -> Body:
    """The DAG node of a call, and the nodes below it.

    Raises:
        Unresolvable: the outputs of the template cannot be made.
    """
    node = walk.named(call.node_name) or walk.add(call.use, "DAG", "Running", inputs=call.inputs)
    dag = _Dag(walk, call, node, execute)
    for name in dag.targets:
        dag.execute_task(name)
    if is_done(node):
        return node
    stopped = bool(walk.shutdown) and not call.use.on_exit and not dag.exits_run()
    phase = "Failed" if stopped else phase_of(walk, node, dag.targets, dag.tasks, fails_fast=dag.fails_fast)
    if phase == "Running":
        return node
    if phase == "Succeeded":
        outputs = template_outputs(call.template, dag.scope_after(list(dag.tasks)))
        if outputs:
            node["outputs"] = {"parameters": outputs}
            walk.add_globals(node["outputs"])
    ends = [end for name in dag.targets if (task := dag.node_of(name)) for end in walk.ends(task)]
    node["outboundNodes"] = [end["id"] for end in ends]
    return walk.mark(node, phase)


@dataclass
class _Dag:
    """The tasks of one DAG node in one pass."""

    walk: Walk
    call: Call
    node: Body
    execute: Execute
    _visited: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        declared = self.call.template["dag"]
        self.tasks: Mapping[str, Body] = {task["name"]: task for task in declared["tasks"]}
        needed = {name for task in declared["tasks"] for name in depends.names_in(task)}
        target = substitute(declared.get("target") or "", {**self.call.scope, **self.walk.globals})
        self.targets = target.split() if target else sorted(set(self.tasks) - needed)
        self.fails_fast: bool = declared.get("failFast", True)

    def node_of(self, name: str) -> Body | None:
        """The node of a task."""
        return self.walk.named(self._name(name))

    def _name(self, task: str) -> str:
        return f"{self.node['name']}.{task}"

    def exits_run(self) -> bool:
        """Whether the exit handler of a target has begun and is not over."""
        nodes = [node for name in self.targets if (node := self.node_of(name))]
        return any(not is_done(each) for node in nodes for each in self._exit_nodes(node))

    def _exit_nodes(self, node: Body) -> list[Body]:
        return [each for each in self.walk.children(node) if each["name"] == f"{node['name']}.onExit"]

    # What tasks know.

    def _ancestors(self, name: str) -> list[str]:
        found: dict[str, None] = {}
        pending = depends.names_in(self.tasks[name])
        while pending:
            each = pending.pop()
            if each not in found:
                found[each] = None
                pending += depends.names_in(self.tasks[each])
        return list(found)

    def scope_after(self, names: list[str]) -> dict[str, str | None]:
        """What is known when these tasks are over. Raises Unresolvable."""
        scope = {**self.call.scope, **self.walk.globals}
        for name in names:
            node = self.node_of(name)
            if node is None:
                continue
            if node["type"] == "TaskGroup":
                scope |= aggregate_scope("tasks", name, self._turn_nodes(node))
            scope |= node_scope(self.walk, "tasks", name, node)
            scope |= skipped_scope("tasks", name, node, self.walk.template(self.tasks[name]["template"]))
        return scope

    def _turn_nodes(self, group: Body) -> list[Body]:
        return [
            each
            for each in self.walk.nodes.values()
            if each.get("boundaryID") == self.node["id"] and each["name"].startswith(f"{group['name']}(")
        ]

    # Executing tasks.

    def execute_task(self, name: str) -> None:
        """Bring a task, and those that it waits for, as far as it goes now."""
        if name in self._visited:
            return
        self._visited.add(name)
        for each in depends.names_in(self.tasks[name]):
            self.execute_task(each)
        task, node = self.tasks[name], self.node_of(name)
        try:
            if node is not None and is_done(node):
                self._run_hooks(task, node)
                return
            if node is None and not self._may_begin(task):
                return
            self._begin(task)
        except Postponed:
            return
        except TimedOut as error:
            self.walk.mark(self.node_of(name) or self._add(task, "Skipped", "Failed"), "Failed", str(error))
        except (Unresolvable, ExpressionError) as error:
            self._fail(task, str(error))

    def _fail(self, task: Body, message: str) -> None:
        node = self.node_of(task["name"])
        if node is None:
            node = self._add(task, "Skipped", "Error", message)
        elif not is_done(node):
            self.walk.mark(node, "Error", message)

    def _may_begin(self, task: Body) -> bool:
        """Whether what a task waits for is over and went as it asks; if it did not, the task is omitted."""
        names = depends.names_in(task)
        nodes = [self.node_of(each) for each in names]
        if any(node is None or not is_done(node) or not all_done(self.walk, node) for node in nodes):
            return False
        found = {
            name: depends.results_of(node, self.walk.children(node))
            for name, node in zip(names, nodes, strict=True)
            if node is not None
        }
        condition = depends.condition_of(task, self.tasks)
        if condition and not depends.is_met(condition, found):
            self._add(task, "Skipped", "Omitted", OMITTED)
            return False
        return True

    def _use(self, task: Body) -> Use:
        return Use(
            task["template"],
            self._name(task["name"]),
            boundary=self.node["id"],
            called_as={"tasks.name": task["name"]},
            on_exit=self.call.use.on_exit,
        )

    def _add(self, task: Body, type_: str, phase: str, message: str = "") -> Body:
        """A node of a task, below what the task waits for."""
        node = self.walk.add(self._use(task), type_, phase, message)
        self._link(task, node)
        return node

    def _link(self, task: Body, node: Body) -> None:
        names = depends.names_in(task)
        parents = [end for name in names if (before := self.node_of(name)) for end in self.walk.ends(before)]
        for parent in parents if names else [self.node]:
            self.walk.link(parent, node)

    def _begin(self, task: Body) -> None:
        """Begin a task, or go on with it. Raises Unresolvable, Postponed, TimedOut."""
        scope = self.scope_after(self._ancestors(task["name"]))
        if not loops.is_loop(task):
            node = self._begin_turn(task, scope, None)
            self._run_hooks(task, node)
            return
        group, turns = self.node_of(task["name"]), loops.turns_if_run(task, scope)
        if not turns:
            self._add(task, "Skipped", "Skipped", loops.EMPTY)
            return
        group = group or self._add(task, "TaskGroup", "Running")
        self._begin_turns(task, group, turns, scope)

    def _begin_turns(self, task: Body, group: Body, turns: list[loops.Turn], scope: Scope) -> None:
        nodes, is_complete = [], True
        for turn in turns:
            each = {**task, "name": turn.name}
            try:
                node = self._begin_turn(each, {**scope, **turn.scope}, group)
                is_complete = self._run_hooks(each, node) and is_complete
                nodes.append(node)
            except Postponed:
                is_complete = False
        if is_complete and all(map(is_done, nodes)):
            failed = [node["phase"] for node in nodes if has_failed(node)]
            self.walk.mark(group, failed[-1] if failed else "Succeeded")

    def _begin_turn(self, task: Body, scope: Scope, group: Body | None) -> Body:
        node = self.walk.named(self._name(task["name"]))
        if node is not None and is_done(node):
            return node
        use = self._use(task)
        when = substitute(task.get("when") or "", scope)
        if node is None and not should_execute(when):
            made = self.walk.add(use, "Skipped", "Skipped", f"when '{when}' evaluated false")
        else:
            made = self._executed(replace(use, arguments=arguments_of(task, scope)))
        if group is not None:
            self.walk.link(group, made)
        elif node is None:
            self._link(task, made)
        return made

    def _executed(self, use: Use) -> Body:
        try:
            return self.execute(self.walk, use)
        except Unresolvable as error:
            if (node := self.walk.named(use.node_name)) is not None:
                self.walk.mark(node, "Error", f"task '{use.node_name}' errored: {error}")
                return node
            raise

    def _run_hooks(self, task: Body, node: Body) -> bool:
        """Run a task's hooks; whether those that have begun are over. Raises Unresolvable."""
        if not task.get("hooks") and not task.get("onExit"):
            return True
        name = task["name"].partition("(")[0]
        scope = self.scope_after(self._ancestors(name)) | {f"tasks.{task['name']}.status": node["phase"]}
        try:
            if not run_step_hooks(self.walk, "tasks", task, node, scope, self.execute):
                return False
            return run_exit(self.walk, "tasks", task, node, scope, self.execute)
        except Postponed:
            return False
