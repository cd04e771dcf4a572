"""The lineage of a model version that only the cluster knows, and how a server is, beside its history."""

import asyncio
import json
import subprocess

import pytest
import yaml
from typer.testing import CliRunner

import builders as b
from mlplane.api.refs import Ref
from mlplane.cli.main import app
from mlplane.gitops.records import canonical
from mlplane.local.bootstrap import bootstrap, objects_for

PROMOTION = """\
apiVersion: mlplane.dev/v1alpha1
kind: Promotion
environments:
  - {name: dev, path: dev, namespace: default}
"""


@pytest.fixture
async def plane(cluster, server):
    """A model version with its evaluation, and a server that follows its model."""
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
    status = {"conditions": [b.condition("Ready", "True", "Serving", "it answers")]}
    for body in (b.model_version(), b.evaluation(), b.server()):
        for field in ("uid", "generation", "creationTimestamp"):
            body["metadata"].pop(field, None)
        body.pop("status", None)
        await cluster.create(body, manager="test")
    ref = Ref("mlplane.dev/v1alpha1", "ModelServer", "default", "digits")
    await cluster.patch(ref, {"status": status}, manager="test", subresource="status")
    return server


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repo"
    (root / "dev").mkdir(parents=True)
    (root / "promotion.yaml").write_text(PROMOTION)
    (root / "dev" / "server.yaml").write_text(yaml.safe_dump(canonical(b.server())))
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.com")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Begin")):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    return root


async def mlplane(plane, repository, *arguments):
    more = ("--directory", str(repository), "--kubeconfig", str(plane.state.kubeconfig))
    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *more])
    return result.exit_code, result.output


async def test_what_git_does_not_know_is_asked_of_the_cluster(plane, repository):
    code, output = await mlplane(plane, repository, "lineage", "digits-aaaaaaaa", "--output", "json")
    assert code == 0, output
    told = json.loads(output)
    assert told["origin"]["runKey"] == b.RUN_KEY
    assert [evidence["verdict"] for evidence in told["evidence"]] == ["Passed"]
    code, output = await mlplane(plane, repository, "lineage", "digits-99999999")
    assert code == 1
    assert "no record of ModelVersion 'digits-99999999' in git at main, and none on the cluster" in output


async def test_live_tells_how_the_server_is_now(plane, repository):
    code, output = await mlplane(plane, repository, "history", "digits", "--live")
    assert code == 0, output
    assert "dev now: Serving  it answers" in output
