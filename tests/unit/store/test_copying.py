import pytest

from mlplane.errors import Terminal
from mlplane.store.artifacts import Store
from mlplane.store.copying import copy
from mlplane.store.uris import parse

CONTENTS = {"model.pt2": b"program" * 1000, "weights/w": b"\x00" * 100}


@pytest.fixture
def stores(tmp_path):
    return Store(f"file://{tmp_path}/here"), Store(f"file://{tmp_path}/there")


@pytest.fixture
def uri(tmp_path, stores):
    for path, content in CONTENTS.items():
        (tmp_path / "model" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / path).write_bytes(content)
    return stores[0].put(tmp_path / "model", "models", "digits")


def folder(tmp_path, uri):
    return tmp_path / "there" / parse(uri).path


def test_an_artifact_is_the_same_in_the_other_store(tmp_path, stores, uri):
    seen = []
    assert copy(uri, *stores, seen.append) is True
    assert stores[1].verify(uri) == stores[0].manifest(uri)
    assert sum(seen) == sum(map(len, CONTENTS.values()))


def test_what_is_there_is_not_copied_again(tmp_path, stores, uri):
    copy(uri, *stores)
    before = {path: path.stat().st_mtime_ns for path in folder(tmp_path, uri).rglob("*")}
    seen = []
    assert copy(uri, *stores, seen.append) is False
    assert {path: path.stat().st_mtime_ns for path in folder(tmp_path, uri).rglob("*")} == before
    assert sum(seen) == sum(map(len, CONTENTS.values()))


def test_a_copy_that_was_left_half_way_goes_on(tmp_path, stores, uri):
    copy(uri, *stores)
    (folder(tmp_path, uri) / "manifest.json").unlink()
    (folder(tmp_path, uri) / "weights" / "w").unlink()
    kept = (folder(tmp_path, uri) / "model.pt2").stat().st_ino
    assert copy(uri, *stores) is True
    assert (folder(tmp_path, uri) / "model.pt2").stat().st_ino == kept
    stores[1].verify(uri)


def test_a_half_file_of_another_tool_is_replaced(tmp_path, stores, uri):
    (folder(tmp_path, uri)).mkdir(parents=True)
    (folder(tmp_path, uri) / "model.pt2").write_bytes(b"prog")
    copy(uri, *stores)
    stores[1].verify(uri)


def test_a_source_that_is_damaged_leaves_no_artifact_and_no_such_file(tmp_path, stores, uri):
    file = tmp_path / "here" / parse(uri).path / "model.pt2"
    file.write_bytes(b"x" + file.read_bytes()[1:])
    with pytest.raises(Terminal, match=r"here is damaged: file model\.pt2 has sha256"):
        copy(uri, *stores)
    assert not stores[1].exists(uri)
    assert not (folder(tmp_path, uri) / "model.pt2").exists()


def test_a_target_that_is_damaged_is_said(tmp_path, stores, uri):
    copy(uri, *stores)
    file = folder(tmp_path, uri) / "model.pt2"
    file.write_bytes(b"x" + file.read_bytes()[1:])
    with pytest.raises(Terminal, match=r"is damaged: file model\.pt2"):
        copy(uri, *stores)


def test_what_is_not_there_cannot_be_copied(stores, uri):
    with pytest.raises(Terminal, match="is not in the store"):
        copy(uri.replace(uri[-8:], "0" * 8), *stores)
