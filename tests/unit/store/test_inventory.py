"""Listing and removing artifacts, on a disk and in an object store."""

import os
from datetime import UTC, datetime, timedelta

import fsspec
import pytest

from mlplane.store.artifacts import Store
from mlplane.store.inventory import inventory, remove, remove_broken_uploads

SOON = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    yield Store(f"file://{tmp_path}/store" if request.param == "file" else "memory://inventory/store")
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def uri(store, tmp_path):
    (tmp_path / "data/deep").mkdir(parents=True)
    (tmp_path / "data/train.csv").write_text("1,2\n")
    (tmp_path / "data/deep/test.csv").write_text("3\n")
    return store.put(tmp_path / "data", "datasets", "digits")


def test_artifacts_are_listed_with_their_size_and_age(store, uri):
    store.put_json("runs/abc/result.json", {})
    [found] = inventory(store.url)
    assert (found.kind, found.name, uri.endswith(found.folder)) == ("datasets", "digits", True)
    assert len(found.files) == 3
    assert found.size > 6
    assert found.manifest is not None
    assert datetime.now(UTC) - found.modified < timedelta(minutes=1)


def test_an_empty_store_has_none(store):
    assert inventory(store.url) == []


def test_a_removed_artifact_is_gone_whole_and_can_be_put_again(store, uri, tmp_path):
    assert remove(store.url, inventory(store.url)[0], before=SOON)
    assert not store.exists(uri)
    assert inventory(store.url) == []
    assert store.put(tmp_path / "data", "datasets", "digits") == uri
    store.verify(uri)


def test_what_a_broken_upload_left_goes_and_one_that_goes_on_stays(tmp_path):
    store = Store(f"file://{tmp_path}/store")
    assert remove_broken_uploads(store.url, SOON) == 0
    (tmp_path / "store/.uploads").mkdir(parents=True)
    old, young = tmp_path / "store/.uploads/old", tmp_path / "store/.uploads/young"
    for upload in (old, young):
        upload.write_text("half of")
    os.utime(old, (0, 0))
    assert remove_broken_uploads(store.url, datetime.now(UTC) - timedelta(days=1)) == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_what_was_written_since_is_left_alone(store, uri):
    [found] = inventory(store.url)
    assert not remove(store.url, found, before=found.modified)
    store.verify(uri)


def test_an_artifact_that_is_needed_again_is_young_again(tmp_path):
    store = Store(f"file://{tmp_path}/store")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_text("1")
    uri = store.put(tmp_path / "data", "datasets", "digits")
    [found] = inventory(store.url)
    long_ago = datetime.now(UTC).timestamp() - 10 * 86400
    for file in found.files:
        os.utime(tmp_path / "store" / file.path, (long_ago, long_ago))
    assert inventory(store.url)[0].modified.timestamp() == pytest.approx(long_ago)
    assert store.put(tmp_path / "data", "datasets", "digits") == uri
    assert not remove(store.url, found, before=datetime.now(UTC) - timedelta(days=1))
    store.verify(uri)


def test_a_removal_that_breaks_off_leaves_no_artifact_and_is_finished_later(store, uri, monkeypatch):
    [found] = inventory(store.url)
    filesystem = fsspec.url_to_fs(store.url)[0]
    delete, deleted = type(filesystem).rm_file, []

    def once(self, path):
        if deleted:
            raise PermissionError("no more")
        deleted.append(path)
        delete(self, path)

    monkeypatch.setattr(type(filesystem), "rm_file", once)
    with pytest.raises(Exception, match="no more"):
        remove(store.url, found, before=SOON)
    monkeypatch.undo()
    assert not store.exists(uri)
    [rest] = inventory(store.url)
    assert (rest.manifest, len(rest.files)) == (None, 2)
    assert remove(store.url, rest, before=SOON)
    assert inventory(store.url) == []
