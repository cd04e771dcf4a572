"""What a person does with kubectl, against a plane that has run the digits story."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from background import Background
from plane import KUBECTL, Plane, eventually, make_repository, running

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plane, Path, dict[str, Any]]]:
    """A plane whose model serves, and the manifests: kubectl applied them in the wrong order, one by one.

    With them what the first ones said before the last one came.
    """
    folder = tmp_path_factory.mktemp("kubectl")
    home = folder / "home"
    home.mkdir()
    repository = make_repository(folder / "digits", home)
    plane = Plane(folder / "state", home, ("--repo", str(repository), "--path", "none", "--revision", "main"))
    dev, said = repository / "dev", {}
    with running(plane):
        for kind, name in (("modelserver", "digits"), ("trainingrun", "digits-1")):
            plane.kubectl("apply", "--server-side", "-f", str(dev / f"{kind}.yaml"))
            said[kind] = eventually(
                lambda k=kind, n=name: plane.condition(k, n, "Ready"), f"the {kind} says what it waits for"
            )
        plane.kubectl("apply", "--server-side", "-f", str(dev / "dataset.yaml"))
        plane.kubectl("wait", "--for=condition=Ready", "modelserver/digits", "--timeout=180s")
        yield plane, dev, said


@pytest.fixture(scope="module")
def story(applied: tuple[Plane, Path, dict[str, Any]]) -> tuple[Plane, Path]:
    """The plane and the manifests."""
    return applied[:2]


def test_what_is_applied_in_any_order_converges_and_says_meanwhile_what_it_waits_for(applied):
    plane, _, said = applied
    assert said["modelserver"]["reason"] == "ModelVersionMissing"
    assert (said["trainingrun"]["status"], said["trainingrun"]["reason"]) == ("False", "DatasetMissing")
    assert '"digits"' in said["trainingrun"]["message"]
    assert plane.condition("modelserver", "digits", "Ready")["status"] == "True"


def test_api_resources_list_the_five_kinds(story):
    plane, _ = story
    table = plane.kubectl("api-resources", "--api-group=mlplane.dev").stdout
    for plural, short in (
        ("datasets", "dset"),
        ("trainingruns", "run"),
        ("modelversions", "mv"),
        ("evaluations", "eval"),
        ("modelservers", "ms"),
    ):
        assert any(line.split()[:2] == [plural, short] for line in table.splitlines()), table


def test_explain_describes_each_field(story):
    plane, _ = story
    text = plane.kubectl("explain", "modelserver.spec").stdout
    assert "follow" in text
    assert "modelVersion" in text
    assert "The rule that picks the version to serve" in " ".join(text.split())


def test_get_shows_what_a_person_asks(story):
    plane, _ = story
    everything = plane.kubectl("get", "mlplane").stdout
    for kind in ("dataset", "trainingrun", "modelversion", "evaluation", "modelserver"):
        assert f"{kind}.mlplane.dev/digits" in everything
    header, row = plane.kubectl("get", "ms").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "REASON", "MODEL", "VERSION", "URL", "AGE"]
    assert row.split()[:3] == ["digits", "True", "Serving"]
    assert (
        yaml.safe_load(plane.kubectl("get", "run", "digits-1", "-o", "yaml").stdout)["status"]["verdict"]
        == "Passed"
    )
    assert "digits" in plane.kubectl("get", "mv", "-l", "mlplane.dev/model=digits").stdout
    assert plane.kubectl("get", "mv", "-l", "mlplane.dev/model=other").stdout == ""


def test_get_watch_follows_a_change(story):
    plane, _ = story
    # A list: of one object, kubectl keeps to itself what its watch tells first, and that may be the change.
    shown = ("--field-selector=metadata.name=digits", "-o", "jsonpath={.metadata.labels.seen}{'\\n'}")
    watch = Background([KUBECTL, "get", "dset", "-w", *shown], plane.environment)
    try:
        assert watch.line() == "\n"
        plane.kubectl("label", "dset", "digits", "seen=yes")
        assert watch.line() == "yes\n"
    finally:
        watch.end()
        plane.kubectl("label", "dset", "digits", "seen-")


def test_applying_again_changes_nothing_and_diff_says_so(story):
    plane, dev = story
    before = plane.object("dataset", "digits")["metadata"]["resourceVersion"]
    plane.kubectl("apply", "--server-side", "-f", str(dev))
    assert plane.kubectl("diff", "--server-side", "-f", str(dev)).stdout == ""
    assert plane.object("dataset", "digits")["metadata"]["resourceVersion"] == before


def test_diff_shows_a_change_and_dry_run_refuses_a_bad_one(story, tmp_path):
    plane, dev = story
    document = yaml.safe_load((dev / "dataset.yaml").read_text())
    document["spec"]["splits"] = [{"name": "train", "percent": 70}, {"name": "test", "percent": 30}]
    changed = tmp_path / "dataset.yaml"
    changed.write_text(yaml.safe_dump(document))
    diff = plane.kubectl("diff", "--server-side", "-f", str(changed), check=False)
    assert diff.returncode == 1
    assert "percent: 70" in diff.stdout
    document["spec"]["splits"][1]["percent"] = 40
    changed.write_text(yaml.safe_dump(document))
    refused = plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", str(changed), check=False)
    assert refused.returncode == 1
    assert "the percents of spec.splits must add up to 100" in refused.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"modle": "digits"}, "spec.modle"),
        ({"seed": "seven"}, "spec.seed"),
        ({"seed": 8}, "spec is immutable"),
    ],
    ids=["a typo in a field", "a wrong type", "a change of what is immutable"],
)
def test_the_api_server_refuses(story, tmp_path, change, said):
    plane, dev = story
    document = yaml.safe_load((dev / "trainingrun.yaml").read_text())
    document["spec"] |= change
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    for arguments in (("apply",), ("apply", "--server-side")):
        refused = plane.kubectl(*arguments, "-f", str(file), check=False)
        assert refused.returncode == 1
        assert said in refused.stderr


def test_describe_and_events_answer(story):
    plane, _ = story
    text = plane.kubectl("describe", "trainingrun", "digits-1").stdout
    assert "Completed" in text
    assert "Run Key" in text
    plane.kubectl("events")


def test_logs_of_a_step_show_what_the_script_printed(story):
    plane, _ = story
    pods = plane.objects("pods", "-l", "workflows.argoproj.io/workflow=digits-1-1")
    [train] = [p for p in pods if "-train-" in p["metadata"]["name"]]
    direct = plane.kubectl("logs", train["metadata"]["name"]).stdout
    metrics = [json.loads(line) for line in direct.splitlines() if line.startswith('{"mlplane"')]
    assert metrics
    assert any("metrics" in m["mlplane"] for m in metrics)
    assert train["status"]["phase"] == "Succeeded"


def test_the_commands_of_mlplane_speak_of_the_same_world(story, tmp_path):
    plane, _ = story
    status = plane.mlplane("status").stdout
    for word in ("digits", "digits-1", "Serving", "Completed"):
        assert word in status
    assert '{"mlplane"' in plane.mlplane("logs", "digits-1", "--step", "train").stdout
    question = tmp_path / "question.json"
    question.write_text(json.dumps({"instances": [[0] * 64]}))
    answer = json.loads(plane.mlplane("predict", "digits", "--input", str(question)).stdout)
    assert len(answer["predictions"]) == 1


def test_patch_and_delete(story, tmp_path):
    plane, dev = story
    document = yaml.safe_load((dev / "modelserver.yaml").read_text())
    document["metadata"]["name"] = "second"
    file = tmp_path / "second.yaml"
    file.write_text(yaml.safe_dump(document))
    plane.kubectl("apply", "-f", str(file))
    plane.kubectl("wait", "--for=condition=Ready", "ms/second", "--timeout=180s")
    version = plane.object("ms", "second")["status"]["modelVersion"]
    pin = json.dumps({"spec": {"follow": None, "modelVersion": version}})
    plane.kubectl("patch", "ms", "second", "--type=merge", "-p", pin)
    both = json.dumps({"spec": {"follow": {"model": "digits", "policy": "Newest"}}})
    refused = plane.kubectl("patch", "ms", "second", "--type=merge", "-p", both, check=False)
    assert "exactly one of spec.modelVersion and spec.follow must be set" in refused.stderr
    eventually(
        lambda: plane.object("ms", "second")["status"]["observedGeneration"] == 2, "the pin is looked at"
    )
    assert plane.condition("ms", "second", "Ready")["status"] == "True"
    plane.kubectl("delete", "ms", "second", "--timeout=180s")
    eventually(lambda: plane.object("isvc", "second") == {}, "the InferenceService goes with its owner")
    eventually(
        lambda: plane.objects("pods", "-l", "serving.kserve.io/inferenceservice=second") == [],
        "and so does its pod",
    )
    assert plane.condition("ms", "digits", "Ready")["status"] == "True"
