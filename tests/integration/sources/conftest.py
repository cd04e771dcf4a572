"""Sources of every kind with the same files, each behind a real server of its protocol."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlplane import names
from mlplane.api.datasource import DataSource
from mlplane.data.rawfiles import RawFiles
from mlplane.steps.sources import Policy, fetch_raw
from mlplane.store.artifacts import Store
from sourceservers import FILES, WebServer, certificate, git_backend, hub, web_server

REPO, REVISION = "team/digits", "ab" * 20
Fetch = Callable[..., RawFiles]


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def https(tls, monkeypatch) -> Iterator[WebServer]:
    """A TLS server that steps trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    with web_server(tls) as web:
        yield web


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def fetch(tmp_path, store, monkeypatch) -> Fetch:
    """Read a source as a step would; keywords are the values of its Secret."""
    monkeypatch.setenv(names.WORK_DIR_ENV, str(tmp_path / "work"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").touch()

    def fetched(source: dict, *, allowed: tuple[str, ...] = (), **secrets: str) -> RawFiles:
        if secrets:
            source = source | {"secretRef": {"name": "access"}}
        for key, value in secrets.items():
            monkeypatch.setenv(names.SECRET_ENV_PREFIX + key, value)
        return fetch_raw(DataSource.model_validate(source), store, tmp_path / "raw", Policy(allowed))

    return fetched


@pytest.fixture
def folder(tmp_path) -> Path:
    """The files as a folder."""
    root = tmp_path / "files"
    for path, content in FILES.items():
        (root / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / path).write_bytes(content)
    return root


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of a server that holds the files in ``s3://bucket/data/``."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield f"127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def s3(s3_server):
    """A client of the server, which begins with the files and nothing else."""
    import boto3
    import httpx

    httpx.post(f"http://{s3_server}/moto-api/reset")
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{s3_server}",
        aws_access_key_id="writer",
        aws_secret_access_key="writer",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="bucket")
    for path, content in FILES.items():
        client.put_object(Bucket="bucket", Key=f"data/{path}", Body=content, ACL="public-read")
    client.put_object(Bucket="bucket", Key="data/", Body=b"")
    client.put_object(Bucket="bucket", Key="database.csv", Body=b"not below data/")
    yield client
    client.close()


@pytest.fixture
def gcs(monkeypatch) -> Iterator[str]:
    """Address of a server that holds the files in ``gs://bucket/data/``; it knows no empty ones."""
    import socket
    from urllib.parse import quote

    import httpx
    from gcp_storage_emulator.server import create_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with create_server("127.0.0.1", port, in_memory=True, default_bucket="bucket"):
        address = f"127.0.0.1:{port}"
        url = f"http://{address}/upload/storage/v1/b/bucket/o?uploadType=media&name="
        for path, content in FILES.items():
            if content:
                assert httpx.post(url + quote(f"data/{path}", safe=""), content=content).is_success
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{address}")
        yield address


@pytest.fixture
def hub_server(web, monkeypatch) -> WebServer:
    hub(web, REPO, REVISION, {f"data/{path}": content for path, content in FILES.items()})
    monkeypatch.setenv("HF_ENDPOINT", f"http://{web.address}")
    return web


@pytest.fixture
def git_repo(folder, https, tmp_path, tls) -> dict[str, str]:
    """``source.git`` of the files, served over https."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"}

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "a")
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    https.answers["*"] = git_backend(tmp_path)
    (tmp_path / "gitconfig").write_text(f'[http]\n\tsslCAInfo = "{tls[0]}"\n')
    return {"url": f"https://{https.address}/files/.git", "commit": git("rev-parse", "HEAD"), "path": "data"}
