import gzip
import json
import random
import shutil

import pyarrow.parquet as pq
import pytest

from mlplane.api.dataset import DatasetSpec
from mlplane.reconcilers.datasetsentences import broken
from mlplane.store.artifacts import Store
from mlplane.tasks import IngestResult, IngestTask


def versions(bench):
    return sorted(path.name for path in (bench.store / "datasets/digits").glob("*"))


def test_a_version_is_named_by_bytes_and_spec_wherever_they_come_from(bench, git_in):
    first = bench.ingested()
    before = (bench.artifact("datasets", first.digest) / "train.parquet").stat().st_mtime_ns

    (bench.repo / "moved").mkdir()
    (bench.repo / "data/digits.csv.gz").rename(bench.repo / "moved/renamed.csv.gz")
    bench.dataset["source"]["git"]["path"] = "moved/renamed.csv.gz"
    bench.commit()

    assert bench.ingested() == first
    assert (bench.artifact("datasets", first.digest) / "train.parquet").stat().st_mtime_ns == before
    assert len(versions(bench)) == 1


def records(bench, version, name):
    table = pq.read_table(bench.artifact("datasets", version.digest) / f"{name}.parquet")
    return [tuple(map(str, record.values())) for record in table.to_pylist()]


def test_each_split_is_a_parquet_file_with_a_digest_of_its_own(small):
    version = small.ingested()
    assert [split.name for split in version.splits] == ["train", "test"]
    found = [records(small, version, split.name) for split in version.splits]
    assert [len(part) for part in found] == [split.rows for split in version.splits]
    assert all(found)
    assert not set(found[0]) & set(found[1])
    assert len(set(found[0]) | set(found[1])) == version.rows == 200
    assert version.splits[0].digest != version.splits[1].digest
    document = json.loads((small.artifact("datasets", version.digest) / "dataset.json").read_text())
    assert document["rows"] == 200
    assert [column["name"] for column in document["columns"]] == ["x", "index", "y"]


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec["columns"][1].update(maximum="500"),
        lambda spec: spec.update(splits=[{"name": "train", "percent": 70}, {"name": "test", "percent": 30}]),
        lambda spec: spec["columns"][1].update(name="number"),
    ],
)
def test_another_spec_is_another_version_and_the_old_one_stays(small, change):
    first = small.ingested()
    change(small.dataset)
    second = small.ingested()
    assert first.digest != second.digest
    assert len(versions(small)) == 2


def test_another_order_of_records_is_another_version_with_the_same_rows_in_each_split(small):
    first = small.ingested()
    lines = gzip.decompress((small.repo / "data/digits.csv.gz").read_bytes()).decode().splitlines()
    small.write_data("\n".join(reversed(lines)) + "\n")
    small.commit()
    second = small.ingested()
    assert first.digest != second.digest
    for name in ("train", "test"):
        assert sorted(records(small, first, name)) == sorted(records(small, second, name))


def in_files(bench, names, seed):
    """The small dataset in several files, written and added in some order."""
    folder = bench.repo / "data"
    lines = gzip.decompress((folder / "digits.csv.gz").read_bytes()).decode().splitlines()
    shutil.rmtree(folder)
    folder.mkdir()
    parts = {name: lines[index :: len(names)] for index, name in enumerate(names)}
    for name in random.Random(seed).sample(names, len(names)):
        (folder / name).write_text("\n".join(parts[name]) + "\n")
    bench.dataset["source"]["git"]["path"] = "data"
    bench.commit()


ELSEWHERE = {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "4"}


def test_two_machines_and_two_orders_of_files_give_one_digest_and_the_same_bytes(small, tmp_path):
    names = ["a.csv", "B.csv", "ä.csv", "a-b.csv"]
    shutil.copytree(small.repo, tmp_path / "other/repo")
    in_files(small, names, seed=1)
    first = small.ingested()

    other = type(small)(tmp_path / "other", dataset=small.dataset, run=small.run)
    (other.root / "gitconfig").write_text(
        f'[url "{other.repo}"]\n\tinsteadOf = {other.dataset["source"]["git"]["url"]}\n'
    )
    in_files(other, names, seed=2)
    other.extra_environment = ELSEWHERE
    assert other.ingested() == first
    files = {path.name for path in small.artifact("datasets", first.digest).iterdir()}
    assert files == {"dataset.json", "manifest.json", "profile.json", "train.parquet", "test.parquet"}
    for name in files:
        one, two = (bench.artifact("datasets", first.digest) / name for bench in (small, other))
        assert one.read_bytes() == two.read_bytes(), name


def test_a_file_and_a_folder_that_holds_it_are_the_same_data(small):
    first = small.ingested()
    folder = small.repo / "only"
    folder.mkdir()
    (small.repo / "data/digits.csv.gz").rename(folder / "part-0.csv.gz")
    small.dataset["source"]["git"]["path"] = "only"
    small.commit()
    assert small.ingested() == first
    small.dataset["source"]["git"]["path"] = "only/part-0.csv.gz"
    assert small.ingested() == first


def test_one_changed_byte_is_another_version_and_the_old_one_stays_readable(small):
    in_files(small, ["a.csv", "b.csv"], seed=1)
    first = small.ingested()
    before = records(small, first, "train") + records(small, first, "test")
    path = small.repo / "data/b.csv"
    text = path.read_text()
    path.write_text(text[:-2] + ("1" if text[-2] == "0" else "0") + "\n")
    small.commit()
    second = small.ingested()
    assert second.digest != first.digest
    assert [s.digest for s in second.splits] != [s.digest for s in first.splits]
    assert records(small, first, "train") + records(small, first, "test") == before
    assert len(versions(small)) == 2


def test_records_that_fail_the_checks_are_told_without_values_and_nothing_is_stored(small):
    small.write_data("1,2,1\n1,2,7654321\nx,3,1\n")
    small.dataset["checks"] = [{"name": "enough", "rows": {"min": 2}}]
    small.commit()
    done = small.ingest()
    assert done.code == 0, done.err
    result = IngestResult.model_validate_json(done.outputs["dataset"])
    assert (result.uri, result.splits, result.rows, result.files) == (None, (), 3, 1)
    found = [(c.name, c.column, c.verdict, c.count, c.rows) for c in result.checks]
    assert found == [
        ("type", "x", "Failed", 1, (3,)),
        ("maximum", "y", "Failed", 1, (2,)),
        ("enough", None, "Passed", 0, ()),
    ]
    assert "7654321" not in done.err + done.out + done.outputs["dataset"]
    assert versions(small) == []


def test_what_reading_finds_is_counted_among_all_records_that_were_read(small):
    small.write_data("1,2,1\n1\n2\n3\n1,2,3\n")
    small.dataset["sample"] = {"percent": 1}
    small.commit()
    result = IngestResult.model_validate_json(small.ingest().outputs["dataset"])
    assert "fields in a record is broken by 3 of 5 records (rows 2, 3, 4)" in broken(result)


def test_checks_are_made_again_on_a_version_that_is_stored_and_are_no_part_of_its_name(small):
    first = small.ingested()
    small.dataset["checks"] = [{"name": "enough", "rows": {"min": 1000}}]
    second = small.ingested()
    assert second.digest == first.digest
    assert (second.uri, [c.verdict for c in second.checks]) == (None, ["Failed"])
    assert small.artifact("datasets", first.digest).is_dir()


def test_a_spec_that_contradicts_itself_is_told_before_anything_is_read(small):
    small.dataset["splitBy"] = {"method": "Hash", "column": "user"}
    small.dataset["source"]["git"]["commit"] = "1" * 40
    done = small.ingest()
    assert (done.code, done.outputs) == (1, {})
    assert "spec.splitBy.column: found 'user', which is no column; allowed: x, index, y" in done.last_line


def test_the_files_of_a_transform_are_read_from_the_store(small, tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    (made / "part.csv").write_text("1,2,1\n2,3,0\n")
    uri = Store(f"file://{small.store}").put(made, "raw", "digits")
    code = small.run["code"]
    del small.dataset["source"]
    small.dataset["derivedFrom"] = {"datasets": [{"name": "raw"}], "code": code, "entrypoint": "make.py"}
    task = IngestTask(name="digits", spec=DatasetSpec.model_validate(small.dataset))
    document = task.model_dump_json(by_alias=True, exclude_none=True)
    done = small.step(document, "ingest", f"--raw={uri}")
    assert done.code == 0, done.err
    assert IngestResult.model_validate_json(done.outputs["dataset"]).rows == 2
    assert small.step(document, "ingest").code == 1


def test_a_damaged_version_is_refused_and_not_answered_with(small):
    version = small.ingested()
    path = small.artifact("datasets", version.digest) / "test.parquet"
    path.write_bytes(path.read_bytes()[:-2] + b"9\n")
    done = small.ingest()
    assert done.code == 5
    assert "is damaged: file test.parquet" in done.last_line


def link(bench):
    path = bench.repo / "data/digits.csv.gz"
    path.unlink()
    path.symlink_to("/etc/passwd")


def lfs(bench):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n"
    (bench.repo / "data/digits.csv.gz").write_bytes(pointer)


def missing(bench):
    (bench.repo / "data/digits.csv.gz").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (link, "data/digits.csv.gz is a symbolic link; only plain files"),
        (lfs, "digits.csv.gz is a pointer of Git LFS"),
        (missing, "data/digits.csv.gz is not in commit"),
    ],
)
def test_a_source_that_is_no_plain_file_is_refused(bench, spoil, message):
    spoil(bench)
    bench.commit()
    done = bench.ingest()
    assert (done.code, done.outputs) == (1, {})
    assert message in done.last_line


def test_a_commit_that_is_not_there_is_named(bench):
    bench.dataset["source"]["git"]["commit"] = "1" * 40
    done = bench.ingest()
    assert done.code == 1
    assert f"has no commit {'1' * 40}; is it pushed?" in done.last_line


def test_a_server_that_gives_only_branches_is_asked_for_them(bench, git_in):
    bench.commit()
    git_in(bench.repo, "config", "uploadpack.allowAnySHA1InWant", "false")
    old = bench.dataset["source"]["git"]["commit"]
    bench.commit()
    bench.dataset["source"]["git"]["commit"] = old
    bench.extra_environment = {"GIT_CONFIG_GLOBAL": str(bench.root / "v0")}
    (bench.root / "v0").write_text((bench.root / "gitconfig").read_text() + "[protocol]\n\tversion = 0\n")
    assert IngestResult.model_validate_json(bench.ingest().outputs["dataset"]).rows == 1797


def test_a_server_that_is_not_there_is_worth_another_try_and_no_password_is_told(bench):
    (bench.root / "gitconfig").write_text(
        '[url "http://someone:secret-token@127.0.0.1:1/"]\n\tinsteadOf = https://git.example.com/team/\n'
    )
    done = bench.ingest()
    assert done.code == 2
    assert "git fetch failed" in done.last_line
    assert "secret-token" not in done.err + done.out


def test_a_rewritten_url_runs_no_command(bench, tmp_path):
    (bench.root / "gitconfig").write_text(
        f'[url "ext::sh -c touch% {tmp_path}/ran "]\n\tinsteadOf = https://git.example.com/team/\n'
        "[protocol]\n\tallow = always\n"
    )
    done = bench.ingest()
    assert done.code == 1
    assert "'ext' not allowed" in done.last_line
    assert not (tmp_path / "ran").exists()


def test_hooks_filters_and_attributes_of_the_repository_do_nothing(bench, git_in, tmp_path):
    hook = bench.repo / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (bench.repo / ".gitattributes").write_text("* filter=evil export-ignore ident\n")
    bench.commit()
    with (bench.root / "gitconfig").open("a") as config:
        config.write(f'[filter "evil"]\n\tsmudge = touch {tmp_path}/ran\n')
    assert bench.ingested().rows == 1797
    task = bench.task(bench.ingested())
    bench.write_script("raise SystemExit(7)")
    assert "no such" not in bench.step(task, "preflight").err
    assert not (tmp_path / "ran").exists()


def test_without_configuration_file_git_still_works(bench):
    bench.extra_environment = {
        "GIT_CONFIG_GLOBAL": str(bench.root / "missing"),
        "MLPLANE_ALLOWED_HOSTS": "127.0.0.1",
    }
    bench.dataset["source"]["git"]["url"] = "https://127.0.0.1:1/digits.git"
    assert bench.ingest().code == 2


@pytest.mark.parametrize("task", ["", "{}", "[1", json.dumps({"name": "digits", "spec": {}})])
def test_a_task_that_is_none_is_told(bench, task):
    done = bench.step(task, "ingest")
    assert done.code == 1
    assert "mlplane ingest: MLPLANE_TASK does not hold a IngestTask" in done.last_line


def test_a_wrong_command_line_is_no_reason_for_a_retry(bench):
    assert bench.step("", "ingets").code == 1
    assert bench.step("", "publish").code == 1
