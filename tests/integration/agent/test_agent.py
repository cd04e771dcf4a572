"""The agent against an API server: the namespace is as the newest valid commit says."""

from pathlib import Path

import pytest

from mlplane import names
from mlplane.api.refs import Query, Ref

pytestmark = pytest.mark.timeout(180)
EXAMPLE = Path(__file__).parents[3] / "examples" / "digits" / "dev"


def server(name, model="digits", labels=""):
    return (
        f"apiVersion: mlplane.dev/v1alpha1\nkind: ModelServer\nmetadata: {{name: {name}{labels}}}\n"
        f"spec:\n  follow: {{model: {model}, policy: Newest}}\n"
    )


def versions(found):
    return {name: body["metadata"]["resourceVersion"] for name, body in found.items()}


def model_of(body):
    return body["spec"]["follow"]["model"]


async def test_a_commit_is_applied_and_recorded_on_each_object(repository, following, outcome, servers):
    repository.write("a.yaml", server("a"))
    repository.write("b.yml", server("b"))
    repository.write("notes.md", "not a manifest")
    head = repository.commit()
    async with following():
        record = await outcome(head)
    assert (record["outcome"], record["errors"], record["source"]) == ("Synced", "", "dev at main")
    found = await servers()
    assert sorted(found) == ["a", "b"]
    for body in found.values():
        assert body["metadata"]["annotations"][names.COMMIT_ANNOTATION] == head
        assert body["metadata"]["managedFields"][0]["manager"] == names.GITOPS_MANAGER


async def test_data_are_applied_before_the_run_that_comes_with_them(repository, following, outcome, cluster):
    """Else the run could start with the version of the data that the commit replaces."""
    for file in (EXAMPLE / "trainingrun.yaml", EXAMPLE / "dataset.yaml"):
        text = file.read_text().replace('"' + 40 * "0" + '"', '"' + 40 * "a" + '"')
        repository.write(f"{'a' if 'run' in file.name else 'b'}-{file.name}", text)
    head = repository.commit()
    async with following():
        assert (await outcome(head))["outcome"] == "Synced"
    refs = (
        Ref(names.API_VERSION, kind, cluster.namespace, name)
        for kind, name in (("Dataset", "digits"), ("TrainingRun", "digits-1"))
    )
    data, run = [int((await cluster.get(ref))["metadata"]["resourceVersion"]) for ref in refs]
    assert data < run


async def test_what_is_not_committed_is_not_applied(repository, following, outcome, servers):
    repository.write("a.yaml", server("a"))
    head = repository.commit()
    repository.write("a.yaml", server("a", model="uncommitted"))
    repository.write("b.yaml", server("b"))
    async with following():
        await outcome(head)
    assert [model_of(body) for body in (await servers()).values()] == ["digits"]


@pytest.mark.usefixtures("impatient")
async def test_a_sync_that_changes_nothing_writes_nothing(repository, following, outcome, servers, cluster):
    repository.write("a.yaml", server("a"))
    repository.write("b.yaml", server("b"))
    head = repository.commit()
    async with following():
        await outcome(head)
        before = versions(await servers())
        config = await cluster.get(Ref("v1", "ConfigMap", cluster.namespace, "mlplane-gitops"))
        later = repository.commit("nothing for the namespace")
        await outcome(later)
        assert versions(await servers()) == before
        record = await cluster.get(Ref("v1", "ConfigMap", cluster.namespace, "mlplane-gitops"))
        assert record["metadata"]["resourceVersion"] != config["metadata"]["resourceVersion"]
    async with following():  # a restarted agent applies everything once more, without effect
        repository.write("c.yaml", server("c"))
        await outcome(repository.commit(), "Synced")
    after = versions(await servers())
    assert {name: after[name] for name in before} == before


async def test_a_changed_manifest_is_applied_and_a_removed_field_goes(
    repository, following, outcome, servers
):
    repository.write("a.yaml", server("a", labels=", labels: {team: blue, tier: one}"))
    first = repository.commit()
    async with following():
        await outcome(first)
        repository.write("a.yaml", server("a", model="letters", labels=", labels: {team: blue}"))
        second = repository.commit()
        await outcome(second)
    found = (await servers())["a"]
    assert model_of(found) == "letters"
    assert found["metadata"]["labels"]["team"] == "blue"
    assert "tier" not in found["metadata"]["labels"]
    assert found["metadata"]["annotations"][names.COMMIT_ANNOTATION] == second


async def test_what_is_removed_from_the_repository_is_pruned(
    repository, following, outcome, servers, cluster
):
    mine = {
        "apiVersion": names.API_VERSION,
        "kind": "ModelServer",
        "metadata": {"name": "by-hand", "namespace": cluster.namespace},
        "spec": {"follow": {"model": "digits", "policy": "Newest"}},
    }
    await cluster.create(mine, manager="test")
    for name in "abc":
        repository.write(f"{name}.yaml", server(name))
    head = repository.commit()
    async with following():
        await outcome(head)
    repository.remove("b.yaml")
    async with following():  # also when the agent was not running meanwhile
        await outcome(repository.commit(), "Synced")
    assert sorted(await servers()) == ["a", "by-hand", "c"]


async def test_most_of_a_namespace_is_deleted_only_if_a_commit_says_so(
    repository, following, outcome, servers, events
):
    for name in "abc":
        repository.write(f"{name}.yaml", server(name))
    first = repository.commit()
    async with following():
        await outcome(first)
        repository.remove("a.yaml", "b.yaml")
        repository.write("d.yaml", server("d"))
        record = await outcome(repository.commit())
        assert record["outcome"] == "Refused"
        assert "refused to delete 2 of 3 objects at once, nothing was applied" in record["errors"]
        assert record["applied"] == first
        assert sorted(await servers()) == ["a", "b", "c"]
        said = await events("Refused")
        assert 'in a commit with the trailer "Mlplane-Prune: confirmed"' in said["message"]
        repository.commit("yes\n\nMlplane-Prune: confirmed")
        await outcome(repository.commit("and more"), "Synced")
    assert sorted(await servers()) == ["c", "d"]


async def test_a_deleted_directory_is_said_and_nothing_goes_until_it_is_confirmed(
    repository, following, outcome, servers, events
):
    repository.write("a.yaml", server("a"))
    first = repository.commit()
    async with following():
        await outcome(first)
        repository.git("rm", "-rq", "dev")
        record = await outcome(repository.commit())
        assert record["outcome"] == "Refused"
        assert "refused to delete 1 of 1 objects at once" in record["errors"]
        assert sorted(await servers()) == ["a"]
        await events("Refused")
        await outcome(repository.commit("it goes\n\nMlplane-Prune: confirmed"), "Synced")
    assert await servers() == {}


async def test_history_that_was_rewritten_is_held_until_a_commit_names_what_is_left(
    repository, following, outcome, servers, events
):
    repository.write("a.yaml", server("a"))
    old = repository.commit()
    repository.write("a.yaml", server("a", model="letters"))
    new = repository.commit()
    async with following():
        await outcome(new)
        repository.git("reset", "-q", "--hard", old)  # as a forced push does it
        record = await outcome(old)
        assert record["outcome"] == "Held"
        assert f"commit {old[:12]} does not follow {new[:12]}, which was applied" in record["errors"]
        assert record["applied"] == new
        assert f'"Mlplane-Rewind: {new}"' in (await events("Held"))["message"]
        repository.write("a.yaml", server("a", model="diverged"))
        assert (await outcome(repository.commit("another")))["outcome"] == "Held"
        assert model_of((await servers())["a"]) == "letters"
    async with following():  # a restart forgets nothing
        assert (await outcome(repository.commit(f"no\n\nMlplane-Rewind: {old}")))["outcome"] == "Held"
        await outcome(repository.commit(f"leave it\n\nMlplane-Rewind: {new}"), "Synced")
        assert model_of((await servers())["a"]) == "diverged"


async def test_a_forced_push_to_a_bare_repository_is_held(repository, following, outcome, servers, tmp_path):
    bare = tmp_path / "bare.git"
    repository.git("init", "-q", "--bare", "-b", "main", str(bare))
    repository.write("a.yaml", server("a"))
    old = repository.commit()
    repository.write("b.yaml", server("b"))
    new = repository.commit()
    repository.git("push", "-q", str(bare), "main")
    async with following(repo=bare):
        await outcome(new, "Synced")
        repository.git("push", "-q", "--force", str(bare), f"{old}:main")
        await outcome(old, "Held")
        assert sorted(await servers()) == ["a", "b"]
        repository.git("push", "-q", str(bare), "main")
        await outcome(new, "Synced")


@pytest.mark.usefixtures("impatient")
async def test_a_shallow_clone_is_told_as_one_and_not_as_a_forced_push(
    repository, following, outcome, tmp_path
):
    shallow = tmp_path / "shallow"
    repository.write("a.yaml", server("a"))
    first = repository.commit()
    repository.git("clone", "-q", "--depth=1", f"file://{repository.root}", str(shallow))
    async with following(repo=shallow):
        await outcome(first, "Synced")
        repository.commit("one")
        second = repository.commit("two")
        repository.git("-C", str(shallow), "fetch", "-q", "--depth=1")
        repository.git("-C", str(shallow), "reset", "-q", "--hard", second)
        assert "run `git fetch --unshallow`" in (await outcome(second, "Invalid"))["errors"]
        repository.git("-C", str(shallow), "fetch", "-q", "--unshallow")
        await outcome(second, "Synced")


async def test_commits_that_come_back_are_applied_as_if_nothing_had_been(repository, following, outcome):
    repository.write("a.yaml", server("a"))
    old = repository.commit()
    repository.write("a.yaml", server("a", model="letters"))
    new = repository.commit()
    async with following():
        await outcome(new)
        repository.git("reset", "-q", "--hard", old)
        await outcome(old, "Held")
        repository.git("reset", "-q", "--hard", new)
        await outcome(new, "Synced")


async def test_only_commits_of_allowed_signers_are_applied(
    repository, following, outcome, servers, events, key
):
    signers = key.with_name("signers")
    signers.write_text(f"anna@example.com {key.with_suffix('.pub').read_text()}")
    repository.write("a.yaml", server("a"))
    unsigned = repository.commit()
    async with following(signers=signers):
        record = await outcome(unsigned)
        assert record["outcome"] == "Untrusted"
        assert f"commit {unsigned[:12]} is not applied: it has no signature" in record["errors"]
        assert await servers() == {}
        await events("Untrusted")
        repository.git("config", "gpg.format", "ssh")
        repository.git("config", "user.signingKey", str(key))
        repository.git("commit", "-q", "-S", "--allow-empty", "-m", "signed")
        await outcome(repository.git("rev-parse", "HEAD"), "Synced")
    assert sorted(await servers()) == ["a"]


async def test_one_invalid_file_keeps_all_of_the_commit_from_being_applied(
    repository, following, outcome, servers
):
    repository.write("a.yaml", server("a"))
    first = repository.commit()
    async with following():
        await outcome(first)
        repository.write("a.yaml", server("a", model="letters"))
        repository.write("b.yaml", server("b").replace("Newest", "Oldest"))
        repository.write("c.yaml", server("c") + "  follow: {}\n")
        record = await outcome(repository.commit())
        assert record["outcome"] == "Invalid"
        assert "dev/b.yaml:5" in record["errors"]
        assert "Newest" in record["errors"]
        assert "dev/c.yaml:6" in record["errors"]
        found = await servers()
        assert {name: model_of(body) for name, body in found.items()} == {"a": "digits"}
        repository.git("revert", "--no-edit", "HEAD")
        head = repository.git("rev-parse", "HEAD")
        assert (await outcome(head))["outcome"] == "Synced"


async def test_git_revert_brings_the_state_before_back(repository, following, outcome, servers):
    repository.write("a.yaml", server("a"))
    first = repository.commit()
    async with following():
        await outcome(first)
        repository.write("a.yaml", server("a", model="letters"))
        repository.write("b.yaml", server("b"))
        await outcome(repository.commit())
        assert sorted(await servers()) == ["a", "b"]
        repository.git("revert", "--no-edit", "HEAD")
        await outcome(repository.git("rev-parse", "HEAD"), "Synced")
    assert {name: model_of(body) for name, body in (await servers()).items()} == {"a": "digits"}


@pytest.mark.usefixtures("impatient")
async def test_what_was_changed_or_deleted_by_hand_is_put_back(
    repository, following, outcome, servers, cluster, eventually_, events
):
    repository.write("a.yaml", server("a"))
    repository.write("b.yaml", server("b"))
    head = repository.commit()
    async with following():
        await outcome(head)
        a, b = (Ref(names.API_VERSION, "ModelServer", cluster.namespace, name) for name in "ab")
        await cluster.patch(a, {"spec": {"follow": {"model": "mine"}}}, manager="kubectl-edit")
        await cluster.delete(b)

        async def repaired():
            return {name: model_of(body) for name, body in (await servers()).items()} == {
                "a": "digits",
                "b": "digits",
            }

        await eventually_(repaired)
        said = await events("ManualChange", "a")
        assert said["message"] == (
            "put back as git has it, after a change by kubectl-edit: spec.follow.model; to keep a change, "
            "commit it"
        )
        said = await events("ManualChange", "b")
        assert said["message"] == "made again, after it was deleted: to delete it, delete it in git"
        assert said["involvedObject"]["uid"] == (await servers())["b"]["metadata"]["uid"]


async def test_a_change_by_hand_is_told_also_if_a_commit_comes_in_between(
    repository, following, outcome, cluster, events
):
    repository.write("a.yaml", server("a"))
    head = repository.commit()
    async with following():
        await outcome(head)
    ref = Ref(names.API_VERSION, "ModelServer", cluster.namespace, "a")
    await cluster.patch(ref, {"spec": {"follow": {"model": "mine"}}}, manager="kubectl-edit")
    repository.write("b.yaml", server("b"))
    async with following():
        await outcome(repository.commit(), "Synced")
        assert "by kubectl-edit: spec.follow.model" in (await events("ManualChange", "a"))["message"]


async def test_a_change_in_git_is_not_told_as_one_by_hand(repository, following, outcome, events, all_events):
    repository.write("a.yaml", server("a"))
    first = repository.commit()
    async with following():
        await outcome(first)
        repository.write("a.yaml", server("a", model="letters"))
        second = repository.commit()
        await outcome(second, "Synced")
        await events("Synced", commit=second)
    assert {event["reason"] for event in await all_events()} == {"Synced"}


async def test_two_files_with_one_object_are_refused(repository, following, outcome, servers):
    repository.write("a.yaml", server("a"))
    repository.write("b.yaml", server("a"))
    async with following():
        record = await outcome(repository.commit())
    assert record["outcome"] == "Invalid"
    assert "dev/b.yaml:3:18: metadata.name: ModelServer a is defined a second time" in record["errors"]
    assert await servers() == {}


async def test_what_the_server_refuses_is_told_and_does_not_keep_the_rest(
    repository, following, outcome, servers, cluster
):
    frozen = manifest_of_an_evaluation()
    repository.write("evaluation.yaml", frozen)
    async with following():
        await outcome(repository.commit(), "Synced")
        repository.write("evaluation.yaml", frozen.replace("rows: 1", "rows: 2"))
        repository.write("a.yaml", server("a"))
        record = await outcome(repository.commit())
    assert record["outcome"] == "Failed"
    assert "Evaluation/e" in record["errors"]
    assert "spec is immutable" in record["errors"]
    assert sorted(await servers()) == ["a"]


async def test_what_should_go_stays_until_all_that_takes_its_place_is_there(
    repository, following, outcome, servers
):
    """The confirmation counts until it is carried out."""
    frozen = manifest_of_an_evaluation()
    for name in "ab":
        repository.write(f"{name}.yaml", server(name))
    repository.write("evaluation.yaml", frozen)
    async with following():
        await outcome(repository.commit(), "Synced")
        repository.remove("a.yaml", "b.yaml")
        repository.write("evaluation.yaml", frozen.replace("rows: 1", "rows: 2"))
        record = await outcome(repository.commit("it goes\n\nMlplane-Prune: confirmed"), "Failed")
        assert "not deleted until then: ModelServer/a, ModelServer/b" in record["errors"]
        assert sorted(await servers()) == ["a", "b"]
        repository.write("evaluation.yaml", frozen)
        await outcome(repository.commit("as it was"), "Synced")
    assert await servers() == {}


async def test_a_file_with_thousands_of_faults_is_told_in_a_few(repository, following, outcome):
    wrong = "".join(f"  wrong{number}: 1\n" for number in range(600))
    repository.write("a.yaml", server("a") + wrong)
    async with following():
        record = await outcome(repository.commit(), "Invalid")
    assert record["errors"].startswith("dev/a.yaml:")
    assert record["errors"].endswith("\nThis is not all: `mlplane validate` says the rest")
    assert len(record["errors"]) < 25_000


def manifest_of_an_evaluation():
    digest = "sha256:" + "a" * 64
    return f"""\
apiVersion: mlplane.dev/v1alpha1
kind: Evaluation
metadata: {{name: e}}
spec:
  modelVersion: {{name: digits-1a, digest: "{digest}"}}
  dataset: {{name: digits, digest: "{digest}"}}
  split: test
  recorded:
    verdict: Passed
    rows: 1
    results: [{{gate: {{metric: accuracy, min: "0.5"}}, rows: 1, value: "0.6", verdict: Passed}}]
    report: store://reports/digits/sha256-{"a" * 64}
"""


async def test_a_directory_that_is_not_there_is_told(repository, following, outcome, servers):
    repository.write("a.yaml", server("a"))
    repository.commit()
    repository.git("rm", "-q", "-r", "dev")
    async with following():
        record = await outcome(repository.commit())
    assert record["outcome"] == "Invalid"
    assert "has no 'dev' at" in record["errors"]


async def test_the_agent_outlives_a_repository_that_comes_later(
    repository, following, outcome, servers, cluster
):
    hidden = repository.root.with_name("hidden")
    repository.write("a.yaml", server("a"))
    head = repository.commit()
    repository.root.rename(hidden)
    async with following():
        assert (await outcome("", "Invalid"))["errors"].endswith("does not exist")
        hidden.rename(repository.root)
        await outcome(head, "Synced")
    assert sorted(await servers()) == ["a"]


async def test_objects_of_another_repository_are_left_alone(repository, following, outcome, servers, cluster):
    repository.write("a.yaml", server("a"))
    async with following():
        await outcome(repository.commit())
    repository.git("remote", "set-url", "origin", "https://git.example.com/team/other.git")
    repository.remove("a.yaml")
    repository.write("b.yaml", server("b"))
    async with following():
        await outcome(repository.commit(), "Synced")
    assert sorted(await servers()) == ["a", "b"]
    assert await cluster.list(Query(names.API_VERSION, "Dataset", cluster.namespace)) == []
