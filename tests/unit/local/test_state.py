"""The state folder of a local plane."""

import json
import socket
from pathlib import Path

import pytest
import yaml

from mlplane.errors import InvalidInput
from mlplane.local.state import State


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_state_has_two_free_ports_and_a_kubeconfig_that_names_the_first(tmp_path):
    state = State.create(tmp_path / "plane")
    assert state.api_port != state.gateway_port
    for port in (state.api_port, state.gateway_port):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    config = yaml.safe_load(state.kubeconfig.read_text())
    assert (
        config["clusters"][0]["cluster"]["server"] == state.api_url == f"https://127.0.0.1:{state.api_port}"
    )
    assert config["users"][0]["user"]["token"] == state.token
    assert config["contexts"][0]["context"]["namespace"] == "default"


def test_secrets_are_readable_by_their_owner_only_also_when_they_were_not(tmp_path):
    state = State.create(tmp_path)
    state.token_file.chmod(0o644)
    State.create(tmp_path)
    assert [mode(f) for f in (state.token_file, state.kubeconfig, state.private_key)] == [0o600] * 3
    assert len(state.token) >= 32


def test_creating_again_keeps_ports_token_and_files(tmp_path):
    first = State.create(tmp_path)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir() if p.is_file()}
    State.create(tmp_path)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir() if p.is_file()} == before
    assert State.load(tmp_path) == first


def test_a_kubeconfig_that_does_not_fit_the_ports_is_written_again(tmp_path):
    state = State.create(tmp_path)
    state.plane_file.write_text(json.dumps({"apiPort": 1234, "gatewayPort": 1235}))
    State.create(tmp_path)
    assert "https://127.0.0.1:1234" in state.kubeconfig.read_text()


def test_loading_a_folder_without_a_plane_names_what_is_missing_and_what_to_do(tmp_path):
    with pytest.raises(InvalidInput, match=r"plane\.json is missing; run `mlplane up`"):
        State.load(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"apiPort": 0, "gatewayPort": 5}', '{"apiPort": true}'])
def test_a_broken_plane_file_is_reported_with_its_content_and_the_way_out(tmp_path, content):
    state = State.create(tmp_path)
    state.plane_file.write_text(content)
    with pytest.raises(InvalidInput, match=r"plane\.json: found .* remove the file"):
        State.load(tmp_path)
    with pytest.raises(InvalidInput, match=r"plane\.json"):
        State.create(tmp_path)


def test_a_path_that_is_a_file_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot keep the state of a plane here"):
        State.create(tmp_path / "file")


def test_the_store_url_is_absolute_also_for_a_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert State.create(Path("plane")).store_url == f"file://{tmp_path}/plane/store"
