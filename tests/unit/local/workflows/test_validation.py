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
            "spec.templates.preflight: must have exactly one of steps and container",
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
