"""The agent against an API server: the namespace is as the newest valid commit says."""

import pytest

from mlplane import names
from mlplane.api.refs import Query, Ref
from mlplane.local import agent

pytestmark = pytest.mark.timeout(180)


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


async def test_what_is_not_committed_is_not_applied(repository, following, outcome, servers):
    repository.write("a.yaml", server("a"))
    head = repository.commit()
    repository.write("a.yaml", server("a", model="uncommitted"))
    repository.write("b.yaml", server("b"))
    async with following():
        await outcome(head)
    assert [model_of(body) for body in (await servers()).values()] == ["digits"]


async def test_a_sync_that_changes_nothing_writes_nothing(
    repository, following, outcome, servers, cluster, monkeypatch
):
    monkeypatch.setattr(agent, "CHECK_SECONDS", 0.05)
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


async def test_most_of_a_namespace_is_never_deleted_at_once(repository, following, outcome, servers):
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
    assert sorted(await servers()) == ["a", "b", "c"]


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


async def test_what_was_changed_or_deleted_by_hand_is_put_back(
    repository, following, outcome, servers, cluster, monkeypatch, eventually_
):
    monkeypatch.setattr(agent, "CHECK_SECONDS", 0.1)
    repository.write("a.yaml", server("a"))
    repository.write("b.yaml", server("b"))
    head = repository.commit()
    async with following():
        await outcome(head)
        a, b = (Ref(names.API_VERSION, "ModelServer", cluster.namespace, name) for name in "ab")
        await cluster.patch(a, {"spec": {"follow": {"model": "mine"}}}, manager="test")
        await cluster.delete(b)

        async def repaired():
            return {name: model_of(body) for name, body in (await servers()).items()} == {
                "a": "digits",
                "b": "digits",
            }

        await eventually_(repaired)


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
