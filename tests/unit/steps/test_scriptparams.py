"""Parameters of a run against what the source of its script says of them."""

from pathlib import Path

import pytest
import yaml

from builders import run
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.errors import InvalidInput
from mlplane.steps.scriptparams import check_params, defaults_in

EXAMPLES = Path(__file__).parents[3] / "examples"
SCRIPT = (
    "from mlplane import training\np = training.params(epochs=3, lr=0.1, name='', fast=False, n=-1, x=2**3)\n"
)


def spec(params=None, **changes):
    body = run()["spec"] | {"params": params or {}} | changes
    return TrainingRunSpec.model_validate(body)


def sweep(**parameters):
    return {
        "method": "Random",
        "trials": 3,
        "parameters": [{"name": name, **what} for name, what in parameters.items()],
        "objective": {"metric": "loss", "goal": "Minimize"},
    }


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        "import mlplane.training as t\nt.params(epochs=3, lr=0.1)",
        "import mlplane.training\nmlplane.training.params(epochs=3, lr=0.1)",
        "from mlplane.training import params as p\np(epochs=3, lr=0.1)",
        "from mlplane import training\ndef main():\n    p = training.params(epochs=3, lr=0.1)",
    ],
)
def test_a_parameter_that_the_script_does_not_know_is_told_by_any_name_of_the_function(text):
    check_params(spec({"epochs": 5, "lr": "0.2"}), text.encode())
    with pytest.raises(
        InvalidInput,
        match=r"spec\.params\.epohcs is not a parameter of train\.py; it knows epochs,.*'epochs'",
    ):
        check_params(spec({"epohcs": 5}), text.encode())


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"epochs": "many"}, "spec.params.epochs is 'many'; the script needs a whole number"),
        ({"lr": "fast"}, "spec.params.lr is 'fast'; the script needs a number"),
        ({"fast": "yes"}, "spec.params.fast is 'yes'; the script needs 'true' or 'false'"),
        ({"n": "1.5"}, "spec.params.n is '1.5'"),
    ],
)
def test_a_parameter_of_another_type_is_told(params, says):
    with pytest.raises(InvalidInput, match=says):
        check_params(spec(params), SCRIPT.encode())


@pytest.mark.parametrize(
    "text",
    [
        "print('no parameters here')",
        "from mlplane import training\ntraining.params(**DEFAULTS)",
        "from mlplane import training\ntraining.params(a=1, **DEFAULTS)",
        "def params(**d): ...\nparams(a=1)",
        "from elsewhere import training\ntraining.params(a=1)",
    ],
)
def test_what_the_source_does_not_say_is_left_to_the_script(text):
    assert defaults_in(text.encode()) is None
    check_params(spec({"anything": 5}), text.encode())


def test_a_default_that_is_computed_may_be_of_any_type():
    check_params(spec({"x": "whatever"}), SCRIPT.encode())


def test_the_parameters_of_a_sweep_are_checked_too():
    check_params(spec(sweep=sweep(lr={"range": {"min": "0.1", "max": "0.2"}})), SCRIPT.encode())
    unknown = sweep(lr={"values": ["0.1", "0.3", "0.2"]}, rate={"values": ["1", "2"]})
    with pytest.raises(InvalidInput, match=r"spec\.sweep\.parameters\[1\] rate is not a parameter .*lr"):
        check_params(spec(sweep=unknown), SCRIPT.encode())
    with pytest.raises(InvalidInput, match=r"parameters\[0\] epochs is '\d\.\d+'; the script needs a whole"):
        check_params(spec(sweep=sweep(epochs={"range": {"min": "1", "max": "3"}})), SCRIPT.encode())


def runs_of_examples():
    for file in sorted(EXAMPLES.rglob("*.yaml")):
        document = yaml.safe_load(file.read_text())
        if document["kind"] == "TrainingRun":
            yield pytest.param(file, document["spec"], id=document["metadata"]["name"])


@pytest.mark.parametrize(("file", "body"), list(runs_of_examples()))
def test_the_parameters_of_the_examples_are_those_of_their_scripts(file, body):
    made = TrainingRunSpec.model_validate(body)
    source = (file.parents[1] / body["code"]["git"]["path"] / made.entrypoint).read_bytes()
    assert defaults_in(source)
    check_params(made, source)
