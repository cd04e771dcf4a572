"""``mlplane push``: what lies in the store afterwards, what is printed where, and what is refused."""

import os
import pty
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mlplane.cli import main
from mlplane.store.artifacts import Store
from mlplane.store.digest import digest_of
from mlplane.store.uris import digest_in


@pytest.fixture
def push(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPLANE_STORE", f"file://{tmp_path}/store")
    return lambda *arguments: CliRunner().invoke(main.app, ["push", *map(str, arguments)])


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data/more").mkdir(parents=True)
    (tmp_path / "data/a.csv").write_text("1,2\n")
    (tmp_path / "data/more/b.csv").write_text("3,4\n")
    return tmp_path / "data"


def test_a_directory_and_a_file_are_stored_and_named_on_stdout(push, data, tmp_path):
    store = Store(f"file://{tmp_path}/store")
    for path, files in ((data, ["a.csv", "more/b.csv"]), (data / "a.csv", ["a.csv"])):
        done = push(path, "store://uploads/digits")
        assert done.exit_code == 0
        uri = done.stdout.strip()
        assert uri.startswith("store://uploads/digits/sha256-")
        assert [entry.path for entry in store.verify(uri).files] == files
        assert f"uri: {uri}" in done.stderr
        assert digest_in(uri) == digest_of(path)


def test_the_store_of_a_plane_of_this_folder_is_found(push, data, tmp_path, monkeypatch):
    monkeypatch.delenv("MLPLANE_STORE")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert "no store is known" in push(data, "store://uploads/digits").output
    (tmp_path / ".mlplane/store").mkdir(parents=True)
    (tmp_path / ".mlplane/kubeconfig").touch()
    uri = push(data, "store://uploads/digits").stdout.strip()
    Store(f"file://{tmp_path}/.mlplane/store").verify(uri)


@pytest.mark.parametrize(
    "target",
    ["digits", "store://models/digits", "store://uploads/", "store://uploads/A", "store://uploads/../x"],
)
def test_a_target_that_is_no_upload_is_refused(push, data, target, tmp_path):
    done = push(data, target)
    assert done.exit_code == 1
    assert "expected store://uploads/NAME" in done.stderr
    assert not (tmp_path / "store").exists()


def test_links_and_what_is_not_there_are_refused(push, data, tmp_path):
    (tmp_path / "link").symlink_to(data / "a.csv")
    assert "is a link" in push(tmp_path / "link", "store://uploads/digits").stderr
    assert "is not there" in push(tmp_path / "nothing", "store://uploads/digits").stderr
    (data / "link").symlink_to("/etc/passwd")
    assert "link is a link or a special file" in push(data, "store://uploads/digits").stderr
    (data / "link").unlink()
    (data / "manifest.json").touch()
    assert "manifest.json, which is the store's own name" in push(data, "store://uploads/digits").stderr
    assert not (tmp_path / "store").exists()


def test_a_file_that_changes_while_it_is_stored_is_not(data, tmp_path):
    from mlplane.errors import Terminal

    store = Store(f"file://{tmp_path}/store")
    large = data / "large.bin"
    large.write_bytes(b"0" * (3 << 20))

    def change(_: int) -> None:
        with large.open("r+b") as stream:
            stream.seek(-1, os.SEEK_END)
            stream.write(b"1")

    with pytest.raises(Terminal, match=r"large.bin changed while it was stored"):
        store.put(large, "uploads", "digits", on_bytes=change)
    assert not list((tmp_path / "store").rglob("manifest.json"))


def test_a_terminal_shows_how_far_it_is(data, tmp_path):
    (data / "large.bin").write_bytes(b"0" * (5 << 20))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mlplane.cli.main", "push", str(data), "store://uploads/digits"]
    environment = {
        **os.environ,
        "MLPLANE_STORE": f"file://{tmp_path}/store",
        "COLUMNS": "100",
        "TERM": "xterm",
    }
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "data" in shown
    assert "5.2/5.2 MB" in shown
    assert done.stdout.decode().startswith("store://uploads/digits/sha256-")
