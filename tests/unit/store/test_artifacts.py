import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from mlplane.errors import InvalidInput, Terminal
from mlplane.store.artifacts import Store
from mlplane.store.digest import digest_of
from mlplane.store.uris import digest_in, parse, uri_of

CONTENTS = {"model.pt2": b"program" * 1000, "weights/w": b"\x00" * 100}


@pytest.fixture
def model(tmp_path):
    for path, content in CONTENTS.items():
        (tmp_path / "model" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / path).write_bytes(content)
    return tmp_path / "model"


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    if request.param == "file":
        yield Store(f"file://{tmp_path}/store")
        return
    yield Store(f"memory://{tmp_path.name}")
    fsspec.filesystem("memory").store.clear()


def test_what_is_put_is_named_by_its_digest_and_comes_back(store, model, tmp_path):
    uri = store.put(model, "models", "digits")
    assert uri == uri_of("models", "digits", digest_of(model))
    assert store.exists(uri)
    manifest = store.get(uri, tmp_path / "copy")
    assert manifest == store.verify(uri)
    assert digest_of(tmp_path / "copy") == digest_in(uri)
    assert {p: (tmp_path / "copy" / p).read_bytes() for p in CONTENTS} == CONTENTS


def test_an_artifact_with_an_identity_is_named_by_it(store, model, tmp_path):
    uri = store.put(model, "datasets", "digits", identity={"raw": "ab", "splits": [{"name": "a"}]})
    assert digest_in(uri) != digest_of(model)
    assert store.get(uri, tmp_path / "copy").identity == {"raw": "ab", "splits": [{"name": "a"}]}


def test_only_some_files_can_be_copied(store, model, tmp_path):
    uri = store.put(model, "models", "digits")
    store.get(uri, tmp_path / "copy", only={"weights/w"})
    assert not (tmp_path / "copy/model.pt2").exists()
    assert (tmp_path / "copy/weights/w").read_bytes() == CONTENTS["weights/w"]


def test_what_was_never_put_does_not_exist(store, tmp_path):
    uri = uri_of("models", "digits", "sha256:" + "0" * 64)
    assert not store.exists(uri)
    with pytest.raises(Terminal, match="is not in the store"):
        store.get(uri, tmp_path / "copy")


@pytest.mark.parametrize("change", ["flip", "cut", "grow", "remove"])
def test_a_file_with_other_bytes_is_refused_by_name_and_not_left_behind(tmp_path, model, change):
    store = Store(f"file://{tmp_path}/store")
    uri = store.put(model, "models", "digits")
    stored = tmp_path / "store" / parse(uri).path / "weights/w"
    match change:
        case "flip":
            stored.write_bytes(b"\x00" * 99 + b"\x01")
        case "cut":
            stored.write_bytes(b"\x00" * 99)
        case "grow":
            stored.write_bytes(b"\x00" * 101)
        case "remove":
            stored.unlink()
    for read in (lambda: store.get(uri, tmp_path / "copy"), lambda: store.verify(uri)):
        with pytest.raises(Terminal, match=r"is damaged: file weights/w"):
            read()
    assert not list((tmp_path / "copy/weights").glob("*"))


def test_a_manifest_that_was_rewritten_to_fit_is_refused(tmp_path, model):
    store = Store(f"file://{tmp_path}/store")
    uri = store.put(model, "models", "digits")
    (model / "weights/w").write_bytes(b"evil")
    other = store.put(model, "models", "digits")
    folder = tmp_path / "store" / parse(uri).path
    (folder / "manifest.json").write_bytes(
        (tmp_path / "store" / parse(other).path / "manifest.json").read_bytes()
    )
    (folder / "weights/w").write_bytes(b"evil")
    with pytest.raises(Terminal, match="does not fit"):
        store.get(uri, tmp_path / "copy")


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil", "a/../../evil", "a\\b", ""])
def test_a_manifest_never_leads_out_of_the_directory(tmp_path, path):
    uri = uri_of("models", "digits", "sha256:" + "0" * 64)
    folder = tmp_path / "store" / parse(uri).path
    folder.mkdir(parents=True)
    files = [{"path": path, "size": 1, "sha256": "00"}]
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "files": files, "identity": {}}))
    with pytest.raises(Terminal, match="cannot be a file of an artifact"):
        Store(f"file://{tmp_path}/store").get(uri, tmp_path / "copy")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "files": 3, "identity": {}}']
)
def test_a_manifest_that_is_none_is_refused(tmp_path, content):
    uri = uri_of("models", "digits", "sha256:" + "0" * 64)
    folder = tmp_path / "store" / parse(uri).path
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(content)
    with pytest.raises(Terminal, match=r"manifest\.json"):
        Store(f"file://{tmp_path}/store").manifest(uri)


def test_several_may_put_the_same_artifact_at_once(tmp_path, model):
    store = Store(f"file://{tmp_path}/store")
    with ThreadPoolExecutor(8) as pool:
        uris = set(pool.map(lambda _: Store(store.url).put(model, "models", "digits"), range(16)))
    assert len(uris) == 1
    store.verify(uris.pop())
    assert list((tmp_path / "store/.uploads").iterdir()) == []


KILLED_IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from mlplane.store import artifacts, files

calls = 0
def copy(source, target):
    global calls
    calls += 1
    target.write(source.read(50))
    if calls == {at}:
        target.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    target.write(source.read())
files.copy = copy
artifacts.Store({url!r}).put(Path({model!r}), "models", "digits")
"""


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_put_that_is_killed_leaves_nothing_to_be_seen_and_can_be_done_again(tmp_path, model, at):
    url = f"file://{tmp_path}/store"
    code = KILLED_IN_THE_MIDDLE.format(at=at, url=url, model=str(model))
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    store, uri = Store(url), uri_of("models", "digits", digest_of(model))
    assert not store.exists(uri)
    with pytest.raises(Terminal, match="is not in the store"):
        store.get(uri, tmp_path / "copy")
    assert store.put(model, "models", "digits") == uri
    store.verify(uri)


def test_small_documents_are_replaced_whole(store):
    assert store.get_json("runs/ab/result.json") is None
    store.put_json("runs/ab/result.json", {"a": 1})
    store.put_json("runs/ab/result.json", {"a": 2})
    assert store.get_json("runs/ab/result.json") == {"a": 2}


@pytest.mark.parametrize("content", ["{", "[]", "1"])
def test_a_document_that_is_no_json_object_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(Terminal, match=r"a\.json is damaged"):
        Store(f"file://{tmp_path}").get_json("a.json")


@pytest.mark.parametrize("url", ["", "nosuchprotocol://x"])
def test_a_store_that_cannot_be_is_refused(url):
    with pytest.raises(InvalidInput, match="store"):
        Store(url).get_json("a.json")


def test_a_store_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Terminal, match="refused"):
        Store(f"file://{tmp_path}/file").put_json("a.json", {})
