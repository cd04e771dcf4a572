"""``mlplane profile`` on a store in a folder; finding the newest version is tested with a plane."""

import pytest
from typer.testing import CliRunner

from mlplane.cli.main import app
from mlplane.data.profiles import ColumnProfile, Profile
from mlplane.store.artifacts import Store


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "version"
    folder.mkdir()
    column = ColumnProfile(name="age", type="Number", looked_at=2, nulls=2, distinct=0)
    Profile(rows=2, columns=(column,)).write(folder)
    store = Store(f"file://{tmp_path}/store")
    uri = store.put(folder, "datasets", "people")
    return store.url, "sha256:" + uri.rpartition("-")[2]


def test_a_version_is_shown_by_its_digest(store):
    url, digest = store
    result = CliRunner().invoke(app, ["profile", "people", "--store", url, "--digest", digest])
    assert result.exit_code == 0
    assert f"people {digest[:19]}  2 records" in result.output
    assert "age" in result.output


@pytest.mark.parametrize(
    ("digest", "message"),
    [
        ("abc", "expected the name of a Dataset and sha256:<64 hex digits>"),
        ("sha256:" + "0" * 64, "is not in the store"),
    ],
)
def test_a_version_that_is_not_there_is_one_line(store, digest, message):
    result = CliRunner().invoke(app, ["profile", "people", "--store", store[0], "--digest", digest])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
