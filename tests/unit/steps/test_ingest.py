import gzip
import json

import pytest

from mlplane.tasks import IngestResult


def versions(bench):
    return sorted(path.name for path in (bench.store / "datasets/digits").glob("*"))


def test_a_version_is_named_by_bytes_and_spec_wherever_they_come_from(bench, git_in):
    first = bench.ingested()
    before = (bench.artifact("datasets", first.digest) / "manifest.json").stat().st_mtime_ns

    (bench.repo / "moved").mkdir()
    (bench.repo / "data/digits.csv.gz").rename(bench.repo / "moved/renamed.csv.gz")
    bench.dataset["source"]["git"]["path"] = "moved/renamed.csv.gz"
    bench.commit()

    assert bench.ingested() == first
    assert (bench.artifact("datasets", first.digest) / "manifest.json").stat().st_mtime_ns == before
    assert len(versions(bench)) == 1


def test_each_split_is_a_csv_with_a_header_and_a_digest_of_its_own(small):
    version = small.ingested()
    folder = small.artifact("datasets", version.digest)
    assert [split.name for split in version.splits] == ["train", "test"]
    rows = []
    for split in version.splits:
        lines = (folder / f"{split.name}.csv").read_text().splitlines()
        assert lines[0] == "x_0,index,y"
        assert len(lines) - 1 == split.rows > 0
        rows.append(set(lines[1:]))
    assert not rows[0] & rows[1]
    assert len(rows[0] | rows[1]) == version.rows == 200
    assert version.splits[0].digest != version.splits[1].digest


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
        one, two = (
            sorted((small.artifact("datasets", v.digest) / f"{name}.csv").read_text().splitlines())
            for v in (first, second)
        )
        assert one == two


def test_records_that_fail_the_checks_are_told_without_values_and_nothing_is_stored(small):
    small.write_data("1,2,1\n1,2,7654321\nx,3,1\n")
    small.commit()
    done = small.ingest()
    assert done.code == 1
    assert done.last_line.startswith(
        "mlplane ingest: data/digits.csv.gz: column y breaks maximum: 1 in 1 value"
    )
    assert "column x breaks type: Number in 1 value (first rows 3)" in done.last_line
    assert "7654321" not in done.err + done.out
    assert done.outputs == {}
    assert versions(small) == []


def test_a_damaged_version_is_refused_and_not_answered_with(small):
    version = small.ingested()
    path = small.artifact("datasets", version.digest) / "test.csv"
    path.write_bytes(path.read_bytes()[:-2] + b"9\n")
    done = small.ingest()
    assert done.code == 1
    assert "is damaged: file test.csv" in done.last_line


def link(bench):
    path = bench.repo / "data/digits.csv.gz"
    path.unlink()
    path.symlink_to("/etc/passwd")


def lfs(bench):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n"
    (bench.repo / "data/digits.csv.gz").write_bytes(pointer)


def missing(bench):
    (bench.repo / "data/digits.csv.gz").unlink()


def directory(bench):
    bench.dataset["source"]["git"]["path"] = "data"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (link, "data/digits.csv.gz is a symbolic link; only plain files"),
        (lfs, "data/digits.csv.gz is a pointer of Git LFS"),
        (missing, "data/digits.csv.gz is not in commit"),
        (directory, "data is a directory; only plain files"),
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
    bench.extra_environment = {"GIT_CONFIG_GLOBAL": str(bench.root / "missing")}
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
