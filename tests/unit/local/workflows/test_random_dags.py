"""Random DAGs with random failures settle, and end as a model of a few lines says."""

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RESULTS = ("Succeeded", "Failed", "Skipped", "Omitted")
KILLED = 0.3
"""How often an engine is killed between making Pods and writing the status."""
ENDS = {"ok": "Succeeded", "bad": "Failed", "off": "Skipped"}


@st.composite
def dags(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Tasks that wait for earlier ones, and what is to become of each if it runs."""
    tasks = []
    for number in range(draw(st.integers(1, 7))):
        earlier = [task["name"] for task in tasks]
        asked = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
        terms = [(name, draw(st.sampled_from(("", *RESULTS))), draw(st.booleans())) for name in asked]
        end = draw(st.sampled_from(("ok", "ok", "bad", "off")))
        tasks.append(
            {"name": f"t{number}", "terms": terms, "joined": draw(st.sampled_from(("&&", "||"))), "end": end}
        )
    return tasks


def depends(task: dict[str, Any]) -> str:
    terms = [f"{'!' if no else ''}{name}{'.' + what if what else ''}" for name, what, no in task["terms"]]
    return f" {task['joined']} ".join(terms)


def expected(tasks: list[dict[str, Any]]) -> dict[str, str]:
    """The phase of each task: each looks at those before it, and runs if what it asks of them holds."""
    phases: dict[str, str] = {}
    for task in tasks:
        held = [
            (phases[name] in ((what,) if what else ("Succeeded", "Skipped"))) != no
            for name, what, no in task["terms"]
        ]
        may_run = not held or (all(held) if task["joined"] == "&&" else any(held))
        phases[task["name"]] = ENDS[task["end"]] if may_run else "Omitted"
    return phases


def fate(tasks: list[dict[str, Any]], phases: dict[str, str]) -> str:
    """A DAG fails if a task that none waits for does; one that did not run does with a branch before it."""
    branch: dict[str, bool] = {}
    for task in tasks:
        before = [branch[name] for name, _, _ in task["terms"]]
        ran = phases[task["name"]] in ("Succeeded", "Failed")
        branch[task["name"]] = phases[task["name"]] == "Failed" if ran else any(before)
    waited_for = {name for task in tasks for name, _, _ in task["terms"]}
    return "Failed" if any(branch[t["name"]] for t in tasks if t["name"] not in waited_for) else "Succeeded"


# The fixtures only make worlds; they keep nothing between two examples.
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(tasks=dags(), seed=st.integers(0, 1_000_000))
def test_random_dags_settle_as_the_model_says(make_world, make_dag, tasks, seed):
    order = random.Random(seed)
    declared = [
        {"name": t["name"], "depends": depends(t), "when": "a == b" if t["end"] == "off" else "a == a"}
        for t in tasks
    ]
    world = make_world(make_dag(*declared, dag={"failFast": False}))
    code = {f"wf.{t['name']}": int(t["end"] == "bad") for t in tasks}
    made: list[str] = []
    for _ in range(100):
        while order.random() < KILLED:
            world.step(is_killed=True)
            made += world.created()
        world.step()
        made += world.created()
        running = [n["name"] for n in world.nodes() if n["type"] == "Pod" and n["phase"] == "Pending"]
        if not running:
            break
        name = order.choice(running)
        world.ends(name, code[name])
    phases = expected(tasks)
    assert {n["displayName"]: n["phase"] for n in world.nodes() if n["name"] != "wf"} == phases
    assert world.workflow["status"]["phase"] == fate(tasks, phases)
    assert len(made) == len(set(made)), "never a second Pod for a node"
    before = world.last.status
    assert world.step() == before
