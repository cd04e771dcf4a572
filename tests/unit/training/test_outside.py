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
