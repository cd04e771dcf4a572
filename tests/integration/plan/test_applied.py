"""Each kind of change is planned, then committed to a plane that follows: it does what was said."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.planned import Plan
from mlplane.api.refs import Query
from mlplane.cluster.kube import connect
from mlplane.gitops.planning import plan
from mlplane.gitops.planningfacts import Repository
from mlplane.gitops.planninglive import sides_of_cluster
from mlplane.gitops.planningsides import sides_of_git
from mlplane.gitops.sync import RECORD
from mlplane.settings import Settings
from mlplane.store.artifacts import Store
from plane import Plane, commit, edit, eventually, git, make_repository, running

pytestmark = pytest.mark.timeout(300)

VERSIONS = dict.fromkeys(KINDS, names.API_VERSION) | {
    "ConfigMap": "v1",
    "Workflow": names.WORKFLOW_API_VERSION,
    "InferenceService": names.INFERENCE_SERVICE_API_VERSION,
}
Objects = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Story:
    """A plane, the repository that it follows, and what was planned so far."""

    plane: Plane
    repository: Path
    workflows: set[str] = field(default_factory=set)
    """All that were ever planned."""

    @property
    def directory(self) -> Path:
        return self.repository / "dev"

    def plans(self) -> dict[str, Plan]:
        """The plan of what is not committed yet, from git and from the cluster."""
        return {"git": self._planned(self._from_git()), "live": self._planned(asyncio.run(self._from_live()))}

    def _planned(self, sides: Any) -> Plan:
        store = f"file://{self.plane.state / 'store'}"
        facts = Repository(self.repository, Store(store))
        return plan(sides, Settings(store=store), facts, datetime.now(UTC))

    def _from_git(self) -> Any:
        return sides_of_git(self.repository, "dev", "default", "HEAD")

    async def _from_live(self) -> Any:
        async with connect(self.plane.state / "kubeconfig") as cluster:
            return await sides_of_cluster(cluster, self.repository, "dev", "default")

    def commit(self, outcome: str = "Synced") -> None:
        """Commit, and wait until the agent has taken it, or refused to."""
        commit(self.repository, self.plane.home, "Change")
        self.wait_for_agent(outcome)

    def wait_for_agent(self, outcome: str = "Synced") -> None:
        """Wait until the agent has taken the last commit, or refused to."""
        head = git(self.repository, self.plane.home, "rev-parse", "HEAD")

        def ask() -> bool:
            (record,) = [b for b in self.bodies("ConfigMap") if b["metadata"]["name"] == RECORD] or [{}]
            data = record.get("data", {})
            return (data.get("commit"), data.get("outcome")) == (head, outcome)

        eventually(ask, f"the agent says {outcome} of {head[:12]}")

    def bodies(self, *kinds: str) -> list[dict[str, Any]]:
        """All objects of these kinds."""
        return asyncio.run(self._bodies(kinds))

    async def _bodies(self, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
        async with connect(self.plane.state / "kubeconfig") as cluster:
            lists = [await cluster.list(Query(VERSIONS[kind], kind, "default")) for kind in kinds]
        return [body for bodies in lists for body in bodies]

    def status(self, kind: str, name: str) -> dict[str, Any]:
        return next((b.get("status", {}) for b in self.bodies(kind) if b["metadata"]["name"] == name), {})

    def wait_for(self, kind: str, name: str, type_: str) -> None:
        def ask() -> bool:
            found = self.status(kind, name).get("conditions", ())
            return any((c["type"], c["status"]) == (type_, "True") for c in found)

        eventually(ask, f"{kind} {name} is {type_}", 200)

    def objects(self) -> Objects:
        """The specs of what came from git."""
        found = (b for b in self.bodies(*KINDS) if "mlplane.dev/source" in b["metadata"].get("labels", {}))
        return {(b["kind"], b["metadata"]["name"]): b["spec"] for b in found}

    def started(self) -> set[str]:
        """Names of all Workflows."""
        return {b["metadata"]["name"] for b in self.bodies("Workflow")}

    def predictors(self) -> set[str]:
        """Names of what InferenceServices are asked to serve, canaries too."""
        specs = [b["spec"] for b in self.bodies("InferenceService")]
        canaries = [c["predictor"] for spec in specs for c in spec.get("canary", ())]
        return {predictor["name"] for predictor in [*(spec["predictor"] for spec in specs), *canaries]}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("plan")
    home = folder / "home"
    home.mkdir()
    repository = make_repository(folder / "digits", home)
    edit(repository / "dev/trainingrun.yaml", spec__params__epochs=2)
    gates = [{"metric": "accuracy", "min": "0.1"}]
    edit(repository / "dev/trainingrun.yaml", spec__evaluation__gates=gates)
    # Before there is a plane: it would begin with the run as the template has it.
    commit(repository, home, "Train less")
    more = ("--repo", str(repository), "--path", "dev", "--revision", "main")
    with running(Plane(folder / "state", home, more)) as plane:
        made = Story(plane, repository)
        made.wait_for_agent()
        made.workflows = eventually(
            lambda: made.started() if len(made.started()) == 2 else None, "both start"
        )
        made.wait_for("TrainingRun", "digits-1", "Complete")
        yield made


def carried_out(story: Story, outcome: str = "Synced") -> dict[str, Plan]:
    """Plan, commit, and compare: objects that differ, Workflows that start, models that are served."""
    plans, before = story.plans(), story.objects()
    story.commit(outcome)
    after = story.objects()
    done = {("Created", *ref) for ref in after if ref not in before}
    done |= {("Deleted", *ref) for ref in before if ref not in after}
    done |= {("Changed", *ref) for ref in after if ref in before and after[ref] != before[ref]}
    for name, found in plans.items():
        said = {(c.action, c.kind, c.name) for c in found.objects if c.action != "Refused"}
        assert said == done, f"{name}: {found.problems}"
        assert found.is_empty == (not said and not found.problems), name
    said_to_start = {name: made(found, "Workflow") for name, found in plans.items()}
    assert said_to_start["git"] == said_to_start["live"]
    story.workflows |= said_to_start["live"]
    eventually(lambda: story.workflows <= story.started() | gone(plans["live"]), f"{story.workflows} start")
    return plans


def made(found: Plan, kind: str) -> set[str]:
    return {
        c.object["metadata"]["name"]
        for c in found.children
        if (c.action, c.object["kind"]) == ("Created", kind)
    }


def gone(found: Plan) -> set[str]:
    return {c.object["metadata"]["name"] for c in found.children if c.action == "Deleted"}


def effects(found: Plan) -> list[tuple[str, str]]:
    return [(e.what, f"{e.kind}/{e.name}") for e in found.effects]


def write(story: Story, name: str, like: str, **changes: Any) -> None:
    """Another manifest like one that is there."""
    document = yaml.safe_load((story.directory / f"{like}.yaml").read_text())
    document["metadata"]["name"] = name
    target = story.directory / f"{name}.yaml"
    target.write_text(yaml.safe_dump(document, sort_keys=False))
    edit(target, **changes)


# In this order: each is a commit on top of the one before.


def test_no_change(story: Story) -> None:
    (story.directory / "trainingrun.yaml").write_text(
        "# a comment\n" + (story.directory / "trainingrun.yaml").read_text()
    )
    found = carried_out(story)
    assert all(p.is_empty for p in found.values())


def test_a_dataset_is_created(story: Story) -> None:
    write(story, "part", "dataset", spec__sample={"percent": 50})
    told = story.plane.mlplane("plan", str(story.directory), "--live", check=False)
    assert (told.returncode, told.stderr) == (2, "")
    assert "+ Dataset part" in told.stdout
    found = carried_out(story)
    assert [effects(p) for p in found.values()] == [[("Reads", "Dataset/part")]] * 2


def test_a_dataset_is_changed_in_what_decides_its_version(story: Story) -> None:
    story.wait_for("Dataset", "part", "Ready")
    before = story.status("Dataset", "part")["digest"]
    edit(story.directory / "part.yaml", spec__sample={"percent": 40})
    found = carried_out(story)
    assert "new version" in found["live"].effects[0].message
    eventually(lambda: story.status("Dataset", "part")["digest"] != before, "another version")


def test_a_dataset_is_changed_in_what_does_not(story: Story) -> None:
    story.wait_for("Dataset", "part", "Ready")
    edit(story.directory / "part.yaml", spec__retention={"versions": 2})
    found = carried_out(story)
    assert [effects(p) for p in found.values()] == [[("Keeps", "Dataset/part")]] * 2


def test_a_run_is_added_whose_result_is_stored(story: Story) -> None:
    gates = [{"metric": "accuracy", "min": "0.2"}]
    write(story, "digits-2", "trainingrun", spec__evaluation__gates=gates)
    found = carried_out(story)
    assert effects(found["live"])[0] == ("Reuses", "TrainingRun/digits-2")
    assert found["live"].runs[0].gates == ("accuracy at least 0.2",)
    story.wait_for("TrainingRun", "digits-2", "Complete")
    assert story.status("TrainingRun", "digits-2")["runKey"] == found["live"].runs[0].run_key
    nodes = story.status("Workflow", "digits-2-1")["nodes"].values()
    assert {n["phase"] for n in nodes if n.get("templateName") == "train"} == {"Skipped"}


def test_a_run_is_added_and_the_server_takes_its_model(story: Story) -> None:
    write(story, "digits-3", "trainingrun", spec__seed=8)
    found = carried_out(story)
    assert [effects(p) for p in found.values()] == [
        [("Trains", "TrainingRun/digits-3"), ("RollsOut", "ModelServer/digits")]
    ] * 2
    was = story.predictors()
    story.wait_for("TrainingRun", "digits-3", "Complete")
    assert story.status("TrainingRun", "digits-3")["runKey"] == found["live"].runs[0].run_key
    eventually(lambda: story.predictors() - was, "the new model is on its way")


def test_gates_of_a_run_are_changed(story: Story) -> None:
    edit(story.directory / "digits-3.yaml", spec__evaluation__gates=[{"metric": "accuracy", "min": "0.3"}])
    found = carried_out(story, "Failed")
    for p in found.values():
        assert [c.action for c in p.objects] == ["Refused"]
        assert "another name" in p.problems[0]
    git(story.repository, story.plane.home, "checkout", "-q", "HEAD~1", "--", "dev")
    story.commit()


def test_a_server_is_pinned_to_what_it_serves(story: Story) -> None:
    pin(story, newest(story))
    found = carried_out(story)
    assert effects(found["live"]) == []
    # Git alone does not know the records that the controller has made.
    assert effects(found["git"]) == [("Waits", "ModelServer/digits")]


def test_a_server_is_pinned_to_another_version(story: Story) -> None:
    (other,) = (b for b in story.bodies("ModelVersion") if b["metadata"]["name"] != newest(story)["name"])
    pin(story, {"name": other["metadata"]["name"], "digest": other["spec"]["artifact"]["digest"]})
    found = carried_out(story)["live"]
    assert effects(found) == [("RollsOut", "ModelServer/digits")]
    (service,) = (c.object for c in found.children)
    eventually(lambda: service["spec"]["predictor"]["name"] in story.predictors(), "as it was said")


def newest(story: Story) -> dict[str, str]:
    made_by_3 = story.status("TrainingRun", "digits-3")["modelVersion"]
    (version,) = (b for b in story.bodies("ModelVersion") if b["metadata"]["name"] == made_by_3)
    return {"name": made_by_3, "digest": version["spec"]["artifact"]["digest"]}


def pin(story: Story, version: dict[str, str]) -> None:
    file = story.directory / "modelserver.yaml"
    document = yaml.safe_load(file.read_text()) | {"spec": {"modelVersion": version}}
    file.write_text(yaml.safe_dump(document, sort_keys=False))


def test_a_change_by_hand_shows_on_the_cluster_alone_and_is_put_back(story: Story) -> None:
    patch = json.dumps({"spec": {"retention": {"versions": 7}}})
    story.plane.kubectl("patch", "dataset", "part", "--type=merge", "-p", patch)
    plans = story.plans()
    (story.directory / "README.md").write_text("Nothing for the cluster.\n")
    story.commit()
    assert plans["git"].is_empty
    fields = [(f.path, f.old, f.new) for c in plans["live"].objects for f in c.fields]
    assert fields in ([("spec.retention.versions", 7, 2)], [])  # or the agent was faster
    assert story.objects()["Dataset", "part"]["retention"] == {"versions": 2}


def test_a_run_is_added_that_is_not_to_start_yet(story: Story) -> None:
    write(story, "digits-4", "trainingrun", spec__seed=9, spec__params__epochs=100000, spec__suspend=True)
    found = carried_out(story)
    assert [effects(p) for p in found.values()] == [[("Waits", "TrainingRun/digits-4")]] * 2


def test_a_run_is_let_go(story: Story) -> None:
    edit(story.directory / "digits-4.yaml", spec__suspend=False)
    found = carried_out(story)
    assert [effects(p) for p in found.values()] == [[("Trains", "TrainingRun/digits-4")]] * 2
    assert "digits-4-1" in story.workflows


def test_a_run_is_suspended(story: Story) -> None:
    edit(story.directory / "digits-4.yaml", spec__suspend=True)
    found = carried_out(story)
    assert [effects(p)[0] for p in found.values()] == [("Stops", "TrainingRun/digits-4")] * 2
    story.wait_for("TrainingRun", "digits-4", "Suspended")


def test_one_of_several_is_deleted(story: Story) -> None:
    (story.directory / "modelserver.yaml").unlink()
    found = carried_out(story)
    assert [effects(p) for p in found.values()] == [[("Stops", "ModelServer/digits")]] * 2
    eventually(lambda: not story.predictors(), "the endpoint goes")


def test_all_are_deleted(story: Story) -> None:
    for file in story.directory.glob("*.yaml"):
        file.unlink()
    plans, before = story.plans(), story.objects()
    story.commit("Refused")
    assert story.objects() == before
    for found in plans.values():
        assert "refused to delete" in found.problems[0]
        assert {(c.kind, c.name) for c in found.objects} == set(before)
        assert found.effects == ()


def test_no_run_has_started_that_was_not_planned(story: Story) -> None:
    assert story.started() <= story.workflows
