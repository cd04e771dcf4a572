"""Where the configuration of a connection is found, and what is said if it is not."""

import socket
import traceback

import pytest
import yaml

from mlplane.api.refs import Ref
from mlplane.cluster.kube import connect
from mlplane.errors import InvalidInput, Transient

REF = Ref("v1", "ConfigMap", "team", "a")


async def test_the_namespace_is_that_of_the_context(kubeconfig):
    path = kubeconfig("http://127.0.0.1:1")
    async with connect(path) as cluster:
        assert cluster.namespace == "team"
    async with connect(path, "two") as cluster:
        assert cluster.namespace == "default"


async def test_without_a_file_the_environment_names_one(kubeconfig, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig("http://127.0.0.1:1", namespace="elsewhere")))
    async with connect() as cluster:
        assert cluster.namespace == "elsewhere"


async def test_a_missing_file_is_named_with_the_next_step(tmp_path):
    with pytest.raises(InvalidInput, match=r"nowhere: no such file; run `mlplane up`"):
        async with connect(tmp_path / "nowhere"):
            pass


@pytest.mark.parametrize("content", ["", "[", "a: b", "- 1", "contexts: 7", "users: [{}]"])
async def test_a_broken_file_is_reported_by_its_name(tmp_path, content):
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(InvalidInput, match=f"kubeconfig {path}: "):
        async with connect(path):
            pass


async def test_an_unknown_context_is_reported(kubeconfig):
    with pytest.raises(InvalidInput, match="three"):
        async with connect(kubeconfig("http://127.0.0.1:1"), "three"):
            pass


async def test_a_secret_in_a_broken_user_entry_is_not_in_the_error(kubeconfig):
    path = kubeconfig("http://127.0.0.1:1")
    content = yaml.safe_load(path.read_text())
    content["users"] = [{"name": "u", "token": "hush"}]  # should be one level deeper, under "user"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(InvalidInput) as caught:
        async with connect(path):
            pass
    assert str(path) in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


async def test_a_server_that_is_not_there_is_transient_and_named_without_the_token(kubeconfig):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        port = held.getsockname()[1]
        async with connect(kubeconfig(f"http://127.0.0.1:{port}")) as cluster:
            with pytest.raises(Transient, match=f"http://127.0.0.1:{port}: no answer") as caught:
                await cluster.get(REF)
    assert "secret" not in str(caught.value)
