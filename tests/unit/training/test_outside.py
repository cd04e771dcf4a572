"""The files of the working tree, read as a run would read them."""

import json

import pytest

from mlplane.errors import InvalidInput
from mlplane.training.outside import dataset_outside
from rawdata import raw_files, spec_of


@pytest.fixture
def manifest(tmp_path):
    spec = spec_of(format="Files", splits=[{"name": "all", "percent": 100}])
    file = tmp_path / "dataset.yaml"
    file.write_text(json.dumps({"kind": "Dataset", "spec": spec.to_body()}))
    return file


def test_every_file_counts_also_one_that_is_called_as_the_store_calls_its_own(tmp_path, manifest):
    raw_files(tmp_path / "data", {"a.txt": "1", "manifest.json": "{}", "more/manifest.json": "{}"})
    assert dataset_outside("all", manifest)[1] == 3


@pytest.mark.parametrize("name", ["a.zip", "A.TAR.GZ"])
def test_an_archive_that_a_run_would_unpack_is_refused(tmp_path, manifest, name):
    raw_files(tmp_path / "data", {name: b"PK"})
    with pytest.raises(InvalidInput, match=rf"data/{name} is an archive; outside of mlplane .* unpack it"):
        dataset_outside("all", manifest)


def test_a_derived_dataset_is_what_its_script_has_written_by_itself(tmp_path, monkeypatch):
    spec = {
        "derivedFrom": {
            "datasets": [{"name": "raw"}],
            "code": {"git": {"url": "https://git.example.com/a/b.git", "path": "make", "commit": "0" * 40}},
            "entrypoint": "make.py",
        },
        "format": "JSONL",
        "columns": [{"name": "x", "type": "Integer"}],
        "splits": [{"name": "all", "percent": 100}],
    }
    (tmp_path / "dev").mkdir()
    file = tmp_path / "dev" / "derived.yaml"
    file.write_text(json.dumps({"kind": "Dataset", "spec": spec}))
    monkeypatch.chdir(tmp_path / "dev")
    with pytest.raises(InvalidInput, match=r"no folder output with its files; `python make/make\.py` writes"):
        dataset_outside("all", file)
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "part.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    assert dataset_outside("all", file)[1] == 2
