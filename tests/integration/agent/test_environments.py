"""The environments of a repository, each kept in a namespace of its own."""

import pytest

from mlplane import names
from mlplane.api.refs import Query, Ref

pytestmark = pytest.mark.timeout(180)

SERVER = """\
apiVersion: mlplane.dev/v1alpha1
kind: ModelServer
metadata: {name: digits}
spec:
  follow: {model: MODEL, policy: Newest}
"""


def promotion(prefix, *environments):
    lines = ["apiVersion: mlplane.dev/v1alpha1", "kind: Promotion", "environments:"]
    for name in environments:
        lines += [f"  - name: {name}", f"    path: envs/{name}", f"    namespace: {prefix}-{name}"]
        if name == "prod":
            lines.append("    context: elsewhere")
    return "\n".join(lines) + "\n"


@pytest.fixture
async def repo(repository, cluster):
    """With the environments dev and staging here, and prod elsewhere; their namespaces are made."""
    (repository.root / "promotion.yaml").write_text(promotion(cluster.namespace, "dev", "staging", "prod"))
    for name in ("dev", "staging", "prod"):
        (repository.root / "envs" / name).mkdir(parents=True)
        (repository.root / "envs" / name / "server.yaml").write_text(SERVER.replace("MODEL", name))
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{cluster.namespace}-{name}"}}
        await cluster.create(space, manager="test")
    return repository


@pytest.fixture
def record(cluster, eventually_):
    """The agent's record in the namespace of an environment, once it speaks of a commit."""

    async def of(name, commit):
        async def ask():
            ref = Ref("v1", "ConfigMap", f"{cluster.namespace}-{name}", "mlplane-gitops")
            data = (await cluster.get(ref) or {}).get("data") or {}
            return data if data.get("commit") == commit else None

        return await eventually_(ask)

    return of


@pytest.fixture
def models(cluster):
    """What the servers of each environment follow."""

    async def read():
        found = {}
        for name in ("dev", "staging", "prod"):
            query = Query(names.API_VERSION, "ModelServer", f"{cluster.namespace}-{name}")
            found[name] = [body["spec"]["follow"]["model"] for body in await cluster.list(query)]
        return found

    return read


async def test_each_environment_of_this_cluster_is_kept_in_its_namespace(repo, following, record, models):
    head = repo.commit()
    async with following(path=None):
        assert (await record("dev", head))["source"] == "envs/dev at main"
        assert (await record("staging", head))["outcome"] == "Synced"
    assert await models() == {"dev": ["dev"], "staging": ["staging"], "prod": []}


async def test_a_wrong_file_of_one_environment_does_not_keep_the_others(repo, following, record, models):
    (repo.root / "envs" / "dev" / "server.yaml").write_text(SERVER.replace("Newest", "Oldest"))
    head = repo.commit()
    async with following(path=None):
        assert "envs/dev/server.yaml:5" in (await record("dev", head))["errors"]
        assert (await record("staging", head))["outcome"] == "Synced"
    assert await models() == {"dev": [], "staging": ["staging"], "prod": []}


async def test_an_environment_that_is_named_no_more_is_left_as_it_is(
    repo, following, record, models, cluster
):
    first = repo.commit()
    async with following(path=None):
        await record("staging", first)
        (repo.root / "promotion.yaml").write_text(promotion(cluster.namespace, "dev"))
        head = repo.commit()
        said = await record("staging", head)
        assert said["outcome"] == "Left"
        assert "its objects stay" in said["errors"]
        await record("dev", head)
    assert (await models())["staging"] == ["staging"]


async def test_a_wrong_list_of_environments_is_said_in_each_and_changes_none(repo, following, record, models):
    first = repo.commit()
    async with following(path=None):
        await record("staging", first)
        (repo.root / "promotion.yaml").write_text("apiVersion: mlplane.dev/v1alpha1\nkind: Promotion\n")
        (repo.root / "envs" / "dev" / "server.yaml").write_text(SERVER.replace("MODEL", "other"))
        head = repo.commit()
        for name in ("dev", "staging"):
            said = await record(name, head)
            assert said["outcome"] == "Invalid"
            assert "promotion.yaml:1" in said["errors"]
    assert (await models())["dev"] == ["dev"]
