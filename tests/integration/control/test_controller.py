"""The controller as a process: how it ends, and how it says that it lives."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import aiohttp

from mlplane import names
from mlplane.api.refs import Ref
from mlplane.local.bootstrap import bootstrap, objects_for


@contextmanager
def controller(kubeconfig, *arguments):
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "MLPLANE_STORE": "file:///nowhere"}
    command = [sys.executable, "-m", "mlplane.cli.main", "controller", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


async def install(cluster, objects):
    await bootstrap(cluster, objects, while_=lambda: None)


async def test_it_answers_probes_and_stops_in_good_order(cluster, own_kubeconfig, eventually):
    await install(cluster, objects_for("default", "", ()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/healthz"
    with controller(own_kubeconfig, "--liveness", url) as process:
        await eventually(lambda: _is_alive(url))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "controller has stopped" in process.stderr.read()


async def _is_alive(url):
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_without_its_watches_it_ends_with_an_error_and_without_the_token(server, cluster, tmp_path):
    text = server.state.kubeconfig.read_text().replace(server.state.token, "guessed-token")
    (tmp_path / "wrong").write_text(text)
    with controller(tmp_path / "wrong") as process:
        assert process.wait(60) == 1
        errors = process.stderr.read()
    assert "start it again" in errors
    assert "guessed-token" not in errors


async def test_it_works_when_its_kinds_come_while_it_starts(cluster, own_kubeconfig, eventually):
    """Kopf alone would never watch a kind that appears between its look at the kinds and at the CRDs."""
    with controller(own_kubeconfig):
        await install(cluster, objects_for("default", "", ()))
        await cluster.create(SERVER, manager="test")
        ref = Ref(names.API_VERSION, "ModelServer", "default", "digits")
        await eventually(lambda: _has_conditions(cluster, ref))


SERVER = {
    "apiVersion": names.API_VERSION,
    "kind": "ModelServer",
    "metadata": {"name": "digits", "namespace": "default"},
    "spec": {"follow": {"model": "digits", "policy": "Newest"}},
}


async def _has_conditions(cluster, ref):
    return ((await cluster.get(ref)).get("status") or {}).get("conditions")
