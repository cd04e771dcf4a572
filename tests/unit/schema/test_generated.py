import subprocess
import sys
from pathlib import Path

import yaml

from mlplane.api import KINDS
from mlplane.schema.crds import crd_for
from mlplane.schema.generated import drift, generated_files

ROOT = Path(__file__).parents[3]


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mlplane.schema", *arguments], capture_output=True, text=True, check=False
    )


def test_the_files_in_the_repository_are_up_to_date():
    assert drift(ROOT, generated_files()) == "", "run `python -m mlplane.schema`"


def test_the_files_hold_what_the_models_say():
    for name, kind in KINDS.items():
        assert yaml.safe_load((ROOT / f"crds/{kind.PLURAL}.yaml").read_text()) == crd_for(kind), name


def test_check_is_content_with_what_was_written(tmp_path):
    assert command("--root", str(tmp_path)).returncode == 0
    done = command("--root", str(tmp_path), "--check")
    assert (done.returncode, done.stdout) == (0, "")


def test_check_shows_a_changed_a_missing_and_a_stale_file(tmp_path):
    command("--root", str(tmp_path))
    changed = tmp_path / "crds/datasets.yaml"
    changed.write_text(changed.read_text().replace("maxItems: 16", "maxItems: 17"))
    (tmp_path / "schemas/dataset.json").unlink()
    (tmp_path / "crds/notebooks.yaml").write_text("kind: Notebook\n")
    done = command("--root", str(tmp_path), "--check")
    assert done.returncode == 1
    assert "maxItems: 17" in done.stdout
    assert "+++ schemas/dataset.json (from the models)" in done.stdout
    assert "-kind: Notebook" in done.stdout


def test_writing_removes_the_file_of_a_kind_that_is_gone(tmp_path):
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds/notebooks.yaml").write_text("kind: Notebook\n")
    command("--root", str(tmp_path))
    assert not (tmp_path / "crds/notebooks.yaml").exists()
