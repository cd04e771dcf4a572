"""Workflows whose parts do not fit together."""

import pytest

from mlplane.local.workflows.validation import problems


def test_what_the_controller_renders_is_sound(make_training):
    assert problems(make_training({"limit": "3", "retryPolicy": "OnError"})) == []


def break_(workflow, change):
    change(workflow["spec"])
    return problems(workflow)


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (lambda s: s.update(entrypoint="x"), "spec.entrypoint: template 'x' undefined"),
        (
            lambda s: s["templates"].append(s["templates"][1]),
            "spec.templates: template 'preflight' is there 2 times",
        ),
        (
            lambda s: s["templates"][0]["steps"][2][0].update(template="x"),
            "spec.templates.main.steps[2].evaluate: template 'x' undefined",
        ),
        (
            lambda s: s["templates"][0]["steps"][0][0].update(
                when="{{steps.evaluate.outputs.parameters.report}} == a"
            ),
            "spec.templates.main.steps[0].preflight: "
            "failed to resolve {{steps.evaluate.outputs.parameters.report}}",
        ),
        (
            lambda s: s["templates"][1]["container"].update(args=["{{inputs.parameters.q}}"]),
            "spec.templates.preflight: failed to resolve {{inputs.parameters.q}}",
        ),
        (
            lambda s: s["templates"][1].pop("container"),
            "spec.templates.preflight: must have exactly one of container, script, steps, dag and suspend",
        ),
        (
            lambda s: s["templates"][0]["steps"][2][0].pop("arguments"),
            "spec.templates.main.steps[2].evaluate: inputs.parameters.model was not supplied",
        ),
        (
            lambda s: s["templates"][0]["steps"][1].append({"name": "preflight", "template": "preflight"}),
            "spec.templates.main.steps[1].preflight: there is a step of this name already",
        ),
        (
            lambda s: s.update(arguments={"parameters": [{"name": "p"}]}),
            "spec.arguments.parameters.p: has no value",
        ),
        (lambda s: s.update(serviceAccountName="{{nobody}}"), "spec: failed to resolve {{nobody}}"),
        (
            lambda s: s["templates"][0]["steps"].append([{"name": "again", "template": "main"}]),
            "spec.templates: main calls main",
        ),
    ],
)
def test_each_problem_is_named(make_training, change, want):
    assert break_(make_training(), change) == [want]


def dag(*tasks, **more):
    return {"name": "d", "dag": {"tasks": [{"template": "preflight", **task} for task in tasks], **more}}


def with_templates(*templates):
    return lambda spec: spec["templates"].extend(templates)


SUSPEND = {"name": "s", "suspend": {"duration": "soon"}}


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (
            with_templates(dag({"name": "a", "depends": "b"})),
            "spec.templates.d.dag.tasks.a: waits for 'b', which is not there",
        ),
        (
            with_templates(dag({"name": "a", "depends": "b"}, {"name": "b", "depends": "a.Failed"})),
            "spec.templates.d.dag.tasks: a waits for b waits for a",
        ),
        (
            with_templates(dag({"name": "a"}, {"name": "b", "depends": "a.Done"})),
            "spec.templates.d.dag.tasks.b.depends: task result 'Done' for task 'a' is invalid",
        ),
        (
            with_templates(dag({"name": "a"}, target="a z")),
            "spec.templates.d.dag.target: target 'z' is not defined",
        ),
        (
            with_templates(dag({"name": "a"}, {"name": "b", "when": "{{tasks.a.outputs.result}} == x"})),
            "spec.templates.d.dag.tasks.b: failed to resolve {{tasks.a.outputs.result}}",
        ),
        (
            with_templates(dag({"name": "a", "withItems": [1], "withParam": "[]"})),
            "spec.templates.d.dag.tasks.a: only one of withItems, withParam, withSequence can be specified",
        ),
        (
            with_templates(dag({"name": "a", "when": "{{item}} == 1"})),
            "spec.templates.d.dag.tasks.a: failed to resolve {{item}}",
        ),
        (
            with_templates(dag({"name": "a", "hooks": {"exit": {"template": "x"}}})),
            "spec.templates.d.dag.tasks.a.hooks.exit: template 'x' undefined",
        ),
        (
            with_templates(SUSPEND),
            "spec.templates.s.suspend.duration: unable to parse soon as a duration: "
            "allowed are seconds, such as 90, or 1h30m, 2m",
        ),
        (lambda s: s.update(onExit="x"), "spec.onExit: template 'x' undefined"),
        (
            lambda s: s.update(hooks={"h": {"template": "train"}}),
            "spec.hooks.h.expression: is missing; every hook but exit has one",
        ),
        (
            lambda s: s["templates"][1].update(parallelism=1),
            "spec.templates.preflight.parallelism: is only valid for steps and dag templates",
        ),
        (
            lambda s: s["templates"][1]["outputs"]["parameters"][0].update(valueFrom={"supplied": {}}),
            "spec.templates.preflight.outputs.parameters.cached.valueFrom: "
            "container templates have one of path; found supplied",
        ),
        (
            lambda s: s["templates"][1].update(retryStrategy={"backoff": {"factor": 2}}),
            "spec.templates.preflight.retryStrategy.backoff: no base duration specified for retryStrategy",
        ),
        (
            lambda s: s["templates"][1].update(retryStrategy={"expression": "1 +"}),
            "spec.templates.preflight.retryStrategy.expression: '1 +' is no expression; "
            "it goes wrong at its end",
        ),
        (
            lambda s: s.update(arguments={"parameters": [{"name": "p", "value": "c", "enum": ["a", "b"]}]}),
            "spec.arguments.parameters.p.value: found 'c'; its enum allows a, b",
        ),
    ],
)
def test_each_problem_of_what_was_added_is_named(make_training, change, want):
    assert break_(make_training(), change) == [want]


def test_a_template_may_call_itself_under_a_condition(make_training):
    again = {
        "name": "again",
        "template": "main",
        "when": "{{steps.preflight.outputs.parameters.cached}} == a",
    }
    assert break_(make_training(), lambda s: s["templates"][0]["steps"].append([again])) == []


def test_tags_in_expressions_are_judged_as_expressions(make_training):
    def change(spec):
        spec["templates"][1]["container"]["args"] = ["{{= asInt('1') + }}"]

    [found] = break_(make_training(), change)
    assert "is no expression" in found
