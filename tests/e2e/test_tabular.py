"""The template ``tabular``: data that are checked, and models that have to be better for everybody.

One story on one plane, in the order in which a team lives it.
"""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from plane import Plane, eventually, git, make_repository, running

pytestmark = pytest.mark.timeout(600)
RUN = "trainingrun"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    """A plane that follows a repository of the template."""
    folder = tmp_path_factory.mktemp("tabular")
    home = folder / "home"
    home.mkdir()
    repository = make_repository(folder / "tabular", home, "tabular")
    zeros = with_zeros(repository / "data" / "breast_cancer.csv", (3, 17, 40))
    commit(repository, home, "The tool that exports the data fills gaps with zeros")
    arguments = ("--repo", str(repository), "--path", "dev", "--revision", "main")
    with running(Plane(folder / "state", home, arguments)) as plane:
        yield plane, repository, zeros


def with_zeros(path: Path, rows: tuple[int, ...]) -> str:
    """Put a zero in the place of the radius of some records; gives the file as it was."""
    before = path.read_text()
    table = list(csv.reader(io.StringIO(before)))
    for row in rows:
        table[row][0] = "0"
    path.write_text("".join(",".join(fields) + "\n" for fields in table))
    return before


def commit(repository: Path, home: Path, message: str) -> None:
    git(repository, home, "add", "--all")
    git(repository, home, "commit", "-m", message)
    Plane(repository, home).mlplane("lock", str(repository), "--commit")


def move(repository: Path, home: Path, name: str) -> None:
    git(repository, home, "mv", f"next/{name}.yaml", f"dev/{name}.yaml")
    git(repository, home, "commit", "-m", f"Try {name}")


def served(plane: Plane) -> str:
    return plane.object("modelserver", "tumours")["status"]["modelVersion"]["name"]


def test_zeros_in_the_place_of_gaps_hold_everything_up_until_they_are_mended(world):
    plane, repository, before = world
    ready = plane.wait_for("dataset", "tumours", "Stalled")
    assert ready["reason"] == "ChecksFailed"
    assert all(words in ready["message"] for words in ("mean_radius", "3 of 569", "3, 17, 40"))
    [check] = [c for c in plane.object("dataset", "tumours")["status"]["checks"] if c["verdict"] == "Failed"]
    assert (check["name"], check["column"], check["count"]) == ("radius-is-known", "mean_radius", 3)
    assert check["rows"] == [3, 17, 40]
    waits = eventually(
        lambda: plane.condition(RUN, "tumours-1", "Reconciling"), "the run says what it waits for"
    )
    assert waits["reason"] == "DatasetNotReady"
    assert "mean_radius" in waits["message"]
    assert [w for w in plane.objects("workflows") if w["metadata"]["name"].startswith("tumours-1")] == []

    (repository / "data" / "breast_cancer.csv").write_text(before)
    commit(repository, plane.home, "Leave out what was not measured")
    plane.wait_for("dataset", "tumours", "Ready")
    plane.wait_for(RUN, "tumours-1", "Complete")
    plane.wait_for("modelserver", "tumours", "Ready")
    assert served(plane) == plane.object(RUN, "tumours-1")["status"]["modelVersion"]


def test_a_model_that_is_better_over_all_and_worse_for_some_is_rejected(world):
    plane, repository, _ = world
    first = served(plane)
    move(repository, plane.home, "tumours-2")
    complete = plane.wait_for(RUN, "tumours-2", "Complete")
    status = plane.object(RUN, "tumours-2")["status"]
    assert status["verdict"] == "Failed"
    assert status["resolved"]["baseline"]["name"] == first
    [evaluation] = [
        e for e in plane.objects("evaluations") if e["spec"]["modelVersion"]["name"] == status["modelVersion"]
    ]
    results = {
        (r["gate"]["metric"], r["gate"].get("slice")): r for r in evaluation["spec"]["recorded"]["results"]
    }
    over_all, small = results["accuracy", None], results["accuracy", "small"]
    assert float(over_all["value"]) > float(over_all["baseline"])
    assert float(small["value"]) < float(small["baseline"]) - 0.02
    assert (over_all["verdict"], small["verdict"]) == ("Passed", "Failed")
    assert f"accuracy of slice small {small['value']} misses" in complete["message"]
    version = plane.wait_for("modelversion", status["modelVersion"], "Approved", status="False")
    assert small["value"] in version["message"]
    assert served(plane) == first
    pinned = yaml.safe_load((repository / "dev" / "modelserver.yaml").read_text())
    pinned["metadata"]["name"] = "pinned"
    digest = plane.object("modelversion", status["modelVersion"])["spec"]["artifact"]["digest"]
    pinned["spec"] = {"modelVersion": {"name": status["modelVersion"], "digest": digest}}
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(pinned))
    refused = plane.wait_for("modelserver", "pinned", "Stalled")
    assert refused["reason"] == "ModelVersionNotApproved"
    assert [s["metadata"]["name"] for s in plane.objects("inferenceservices")] == ["tumours"]
    plane.kubectl("delete", "modelserver", "pinned")


def test_ten_samples_are_too_few_for_a_verdict(world):
    plane, repository, _ = world
    lines = (repository / "data" / "breast_cancer.csv").read_text().splitlines(keepends=True)
    (repository / "data" / "ten.csv").write_text("".join(lines[:11]))
    dataset = yaml.safe_load((repository / "dev" / "dataset.yaml").read_text())
    dataset["metadata"]["name"] = "ten"
    dataset["spec"]["source"]["git"]["path"] = "data/ten.csv"
    dataset["spec"] |= {"splits": [{"name": "test", "percent": 100}]}
    del dataset["spec"]["checks"]
    (repository / "dev" / "ten.yaml").write_text(yaml.safe_dump(dataset))
    version = plane.object("modelversion", served(plane))
    evaluation = {
        "apiVersion": "mlplane.dev/v1alpha1",
        "kind": "Evaluation",
        "metadata": {"name": "on-ten"},
        "spec": {
            "modelVersion": {"name": served(plane), "digest": version["spec"]["artifact"]["digest"]},
            "dataset": {"name": "ten"},
            "split": "test",
            "run": {"label": "diagnosis", "gates": [{"metric": "accuracy", "min": "0.1"}]},
        },
    }
    (repository / "dev" / "on-ten.yaml").write_text(yaml.safe_dump(evaluation))
    commit(repository, plane.home, "Judge it by ten more")
    complete = plane.wait_for("evaluation", "on-ten", "Complete")
    assert complete["reason"] == "EvaluationInconclusive"
    assert "10 rows" in complete["message"]
    refused = plane.wait_for("modelversion", version["metadata"]["name"], "Approved", status="False")
    assert refused["reason"] == "EvaluationInconclusive"
    git(repository, plane.home, "rm", "dev/on-ten.yaml")
    git(repository, plane.home, "commit", "-m", "Ten are too few")
    plane.wait_for("modelversion", version["metadata"]["name"], "Approved")


def test_a_model_that_is_better_for_all_takes_over(world):
    plane, repository, _ = world
    first = served(plane)
    move(repository, plane.home, "tumours-3")
    plane.wait_for(RUN, "tumours-3", "Complete")
    status = plane.object(RUN, "tumours-3")["status"]
    assert (status["verdict"], status["resolved"]["baseline"]["name"]) == ("Passed", first)
    eventually(lambda: served(plane) == status["modelVersion"], "the better model is served")
    plane.wait_for("modelserver", "tumours", "Ready")


def test_a_card_and_a_comparison_say_what_was_better_and_for_whom(world, tmp_path):
    plane, *_ = world
    first, rejected = (
        plane.object(RUN, name)["status"]["modelVersion"] for name in ("tumours-1", "tumours-2")
    )
    plane.mlplane("card", rejected, "-o", str(tmp_path))
    card = (tmp_path / "card.md").read_text()
    assert "**Not approved**: rejected: " in card
    assert f"The baseline is `{first}`" in card
    assert re.search(
        r"\| `accuracy` \| slice small, \d+ \| change ≥ -0.02 \| [\d.]+ \| .* \| \*\*Failed", card
    )
    assert re.search(r"\| `missed` \| 0\.\d+ ", card)
    assert "param `min_radius` | 14 |" in card
    linked = set(re.findall(r"!\[.+\]\((\w+\.svg)\)", card))
    assert linked == {path.name for path in tmp_path.glob("*.svg")}
    assert linked == {"slices.svg", "confusion.svg", "curves.svg", "training.svg"}
    for path in tmp_path.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
    bare = plane.mlplane(
        "card", rejected, "-o", str(tmp_path / "bare"), "--store", f"file://{tmp_path}/empty"
    )
    assert "is not in the store" in bare.stderr
    assert "**There are no more numbers than these**" in (tmp_path / "bare" / "card.md").read_text()

    said = plane.mlplane("compare", first, rejected).stdout
    assert re.search(r"accuracy +[\d.]+ +[\d.]+ +-0\.\d+ worse\??\s+slice small, ", said), said
    assert re.search(r"accuracy +[\d.]+ +[\d.]+ +\+0\.\d+ better", said), said
    assert re.search(r"param min_radius +– +14", said), said
    assert "cannot be compared" not in said


def test_a_record_that_was_edited_by_hand_is_found_out(world):
    plane, *_ = world
    [honest] = [
        e
        for e in plane.objects("evaluations")
        if e["spec"]["modelVersion"]["name"] == plane.object(RUN, "tumours-2")["status"]["modelVersion"]
    ]
    forged = {"apiVersion": honest["apiVersion"], "kind": "Evaluation", "metadata": {"name": "forged"}}
    forged["spec"] = honest["spec"] | {"recorded": honest["spec"]["recorded"] | {"verdict": "Passed"}}
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(forged))
    failed = plane.wait_for("evaluation", "forged", "Failed")
    assert failed["reason"] == "EvidenceMismatch"
    assert "verdict" in failed["message"]
    assert (
        plane.condition("modelversion", honest["spec"]["modelVersion"]["name"], "Approved")["status"]
        == "False"
    )
