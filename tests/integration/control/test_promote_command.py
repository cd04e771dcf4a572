"""``mlplane promote`` from a cluster: it asks a real API server what is approved in the environment."""

import asyncio
from pathlib import Path

import yaml
from typer.testing import CliRunner

from mlplane.api.refs import Ref
from mlplane.cli.main import app
from mlplane.errors import MlplaneError
from mlplane.gitops.serverpins import pin_in
from promotionteam import Team

CRDS = Path(__file__).parents[3] / "crds"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev"}}
FILE = "envs/staging/servers/digits.yaml"


async def have(cluster, eventually, bodies):
    """Create the objects in the namespace of dev, and write their status as a controller would."""
    for name in ("modelversions", "evaluations", "modelservers"):
        await cluster.apply(yaml.safe_load((CRDS / f"{name}.yaml").read_text()), manager="test")
    await cluster.apply(NAMESPACE, manager="test")
    for body in bodies:
        name = body["metadata"]["name"]
        bare = {key: body[key] for key in ("apiVersion", "kind", "spec")}
        await eventually(lambda bare=bare, name=name: made(cluster, bare, name))
        ref = Ref(body["apiVersion"], body["kind"], "dev", name)
        await cluster.patch(ref, {"status": body["status"]}, manager="test", subresource="status")


async def made(cluster, body, name):
    try:
        return await cluster.create(body | {"metadata": {"name": name, "namespace": "dev"}}, manager="test")
    except MlplaneError:  # the new kind is not served yet
        return None


async def test_the_version_that_is_approved_there_is_promoted(server, cluster, eventually, tmp_path):
    team = Team(tmp_path / "team")
    team.train("a")
    team.train("b", verdict="Failed", value=0.5)
    await have(cluster, eventually, team.bodies)
    command = ["promote", "digits", "--to", "staging", "--directory", str(team.repo)]
    command += ["--store", team.store.url, "--kubeconfig", str(server.state.kubeconfig)]
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == 0, result.output
    assert pin_in(team.at("mlplane/promote/staging/digits", FILE), FILE).name == "digits-aaaaaaaa"
    copy = ["store", "copy", "digits-aaaaaaaa", "--to", f"file://{tmp_path}/prod", "--store", team.store.url]
    copy += ["--namespace", "dev", "--kubeconfig", str(server.state.kubeconfig)]
    copied = await asyncio.to_thread(CliRunner().invoke, app, copy)
    assert copied.output.count("copied store://") == 2, copied.output
    refused = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--version", "digits-bbbbbbbb"])
    assert "digits-bbbbbbbb is not approved in dev" in " ".join(refused.output.split())
