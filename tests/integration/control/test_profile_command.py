"""``mlplane profile`` without a digest: it asks a real API server for the version in the Dataset's status."""

import asyncio
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import builders
from mlplane.api.refs import Ref, ref_of
from mlplane.cli.main import app
from mlplane.data.profiles import ColumnProfile, Profile
from mlplane.errors import MlplaneError
from mlplane.store.artifacts import Store

CRD = Path(__file__).parents[3] / "crds" / "datasets.yaml"


async def _made(cluster, body):
    try:
        return await cluster.create(body, manager="test")
    except MlplaneError:  # the new kind is not served yet
        return None


@pytest.fixture
async def ref(cluster, eventually) -> Ref:
    """A Dataset that nobody has looked at."""
    await cluster.apply(yaml.safe_load(CRD.read_text()), manager="test")
    body = builders.dataset("people")
    body["metadata"] = {"name": "people", "namespace": "default"}
    body.pop("status", None)
    await eventually(lambda: _made(cluster, body))
    return ref_of(body)


async def shown(server) -> tuple[int, str]:
    command = ["profile", "people", "--kubeconfig", str(server.state.kubeconfig)]
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    return result.exit_code, " ".join(result.output.split())


async def test_the_version_in_the_status_is_shown(server, cluster, ref, tmp_path):
    assert await shown(server) == (
        1,
        'error: Dataset "people" has no version yet: no controller has looked at it yet',
    )
    column = ColumnProfile(name="age", type="Number", looked_at=2, nulls=2, distinct=0)
    (tmp_path / "version").mkdir()
    Profile(rows=2, columns=(column,)).write(tmp_path / "version")
    uri = Store(server.state.store_url).put(tmp_path / "version", "datasets", "people")
    digest = f"sha256:{uri.rpartition('-')[2]}"
    await cluster.patch(ref, {"status": {"digest": digest}}, manager="test", subresource="status")
    code, output = await shown(server)
    assert code == 0
    assert f"people {digest[:19]} 2 records" in output
    await cluster.delete(ref)
    assert (await shown(server))[1].startswith('error: no Dataset "people" in namespace default')
