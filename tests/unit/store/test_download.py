import subprocess
import sys

import pytest

from mlplane.store.artifacts import Store
from mlplane.store.digest import digest_of
from mlplane.store.uris import parse, resolve


def download(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mlplane.store", "download", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def url(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.pt2").write_bytes(b"program")
    store = Store(f"file://{tmp_path}/store")
    return resolve(store.put(tmp_path / "model", "models", "digits"), store.url)


def test_an_artifact_is_downloaded_by_its_url(tmp_path, url):
    done = download(url, tmp_path / "copy")
    assert (done.returncode, done.stdout.strip()) == (0, digest_of(tmp_path / "model"))
    assert digest_of(tmp_path / "copy") == digest_of(tmp_path / "model")


def test_a_second_download_to_the_same_place_is_fine(tmp_path, url):
    assert [download(url, tmp_path / "copy").returncode for _ in range(2)] == [0, 0]


def test_a_damaged_artifact_is_one_line_that_names_the_file(tmp_path, url):
    (tmp_path / url.removeprefix(f"file://{tmp_path}/") / "model.pt2").write_bytes(b"Program")
    done = download(url, tmp_path / "copy")
    assert done.returncode == 1
    assert done.stderr.startswith("mlplane store: store://models/digits/")
    assert "file model.pt2" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_url_that_names_no_artifact_is_refused(tmp_path):
    done = download(f"file://{tmp_path}/store/models/digits", tmp_path / "copy")
    assert done.returncode == 1
    assert "is not an artifact" in done.stderr
    assert parse(f"store://models/digits/sha256-{'0' * 64}").name == "digits"
