"""The next run of a model as a file of the repository: what is copied, what is changed, what is refused."""

import subprocess

import pytest

from mlplane.errors import InvalidInput
from mlplane.gitops import newruns
from mlplane.gitops.lock import lock
from mlplane.gitops.scaffold import init
from mlplane.gitops.validate import validate


@pytest.fixture
def repo(tmp_path):
    made = tmp_path / "repo"
    init(made, "digits", "https://git.example.com/team/digits.git")
    return made


def git(repo, *arguments):
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=repo, check=True, capture_output=True)


def commit(repo):
    git(repo, "add", "-A")
    git(repo, "commit", "-m", "Change")


def changed_lines(repo, old, new):
    before, after = ((repo / file).read_text().splitlines() for file in (old, new))
    return [line for line in after if line not in before]


def test_the_next_run_differs_in_its_name_and_in_what_was_asked(repo):
    first, second = "dev/trainingrun.yaml", "dev/digits-2.yaml"
    text = (repo / first).read_text()
    (repo / first).write_text(text.replace("  seed: 7", "  # why seven\n  seed:   7"))
    written = newruns.new_run(repo, "digits", {"lr": "0.001", "epochs": "5"})
    assert (written.file, written.name, written.template) == (second, "digits-2", first)
    assert changed_lines(repo, first, second) == [
        "metadata: {name: digits-2}",
        '  params: {epochs: 5, lr: "0.001", hidden: 256}',
    ]
    assert written.changes == ("lr 0.003 -> 0.001", "epochs 30 -> 5")
    assert newruns.new_run(repo, "digits", {}).file == "dev/digits-3.yaml", "the newest is the template"
    assert '"0.001"' in (repo / "dev/digits-3.yaml").read_text()


@pytest.mark.parametrize(
    ("file", "next_file"),
    [
        ("digits-1.yaml", "digits-2.yaml"),
        ("run-digits-1.yml", "run-digits-2.yml"),
        ("trainingrun-1.yaml", "trainingrun-2.yaml"),
        ("big.yaml", "digits-2.yaml"),
    ],
)
def test_the_file_of_a_run_is_called_as_that_of_its_template(repo, file, next_file):
    (repo / "dev" / "trainingrun.yaml").rename(repo / "dev" / file)
    assert newruns.new_run(repo, "digits", {}).file == f"dev/{next_file}"


def test_ten_comes_after_nine(repo):
    newruns.new_run(repo, "digits", {}, name="digits-9")
    assert [newruns.new_run(repo, "digits", {}).name for _ in range(2)] == ["digits-10", "digits-11"]


def test_the_new_run_is_pinned_to_the_present_code_and_the_old_ones_stay_what_was_trained(repo):
    (repo / "train" / "train.py").write_text("# another script\n")
    with pytest.raises(InvalidInput, match=r"train has changes that are not committed: commit them first"):
        newruns.new_run(repo, "digits", {})
    assert not (repo / "dev" / "digits-2.yaml").exists()
    commit(repo)
    assert newruns.new_run(repo, "digits", {}).changes[0].startswith("train ")
    first = (repo / "dev" / "trainingrun.yaml").read_text()
    commit(repo)
    assert [found for found in validate([repo]) if found.severity == "error"] == []
    assert lock(repo) == []
    assert (repo / "dev" / "trainingrun.yaml").read_text() == first


def test_a_rerun_is_the_same_but_for_its_name_and_the_text_that_has_it_trained_again(repo):
    written = newruns.rerun(repo, "digits-1")
    lines = changed_lines(repo, "dev/trainingrun.yaml", written.file)
    assert lines == ["metadata: {name: digits-2}", "  rerun: digits-2"]
    newruns.new_run(repo, "digits", {"epochs": "5"})
    assert "rerun" not in (repo / "dev" / "digits-3.yaml").read_text()


def test_a_cancelled_run_is_suspended_in_place_and_its_copy_is_not(repo):
    before = (repo / "dev" / "trainingrun.yaml").read_text()
    newruns.cancel(repo, "digits-1")
    after = (repo / "dev" / "trainingrun.yaml").read_text()
    assert after == before.replace("train.py\n", "train.py\n  suspend: true\n")
    assert newruns.cancel(repo, "digits-1") is None
    newruns.new_run(repo, "digits", {})
    assert "suspend" not in (repo / "dev" / "digits-2.yaml").read_text()


@pytest.mark.parametrize("there", ["", "  params: {}\n"])
def test_parameters_are_made_where_there_were_none(repo, there):
    file = repo / "dev" / "trainingrun.yaml"
    file.write_text(file.read_text().replace('  params: {epochs: 30, lr: "0.003", hidden: 256}\n', there))
    newruns.new_run(repo, "digits", {"lr": "0.1", "epochs": "2"})
    assert 'params: {lr: "0.1", epochs: 2}' in (repo / "dev" / "digits-2.yaml").read_text()


def test_a_value_that_is_no_plain_number_stays_the_text_that_it_is(repo):
    newruns.new_run(repo, "digits", {"hidden": "-5", "epochs": "007", "lr": "-0"})
    assert 'params: {epochs: "007", lr: "-0", hidden: -5}' in (repo / "dev" / "digits-2.yaml").read_text()


@pytest.mark.parametrize(
    ("model", "params", "name", "message"),
    [
        ("digit", {}, "", 'no TrainingRun of model "digit" .* did you mean "digits"'),
        ("digits", {"a b": "1"}, "", r"dev/digits-2.yaml:\d+:\d+: spec.params.a b: "),
        ("digits", {}, "digits-1", "dev/trainingrun.yaml is there already: choose another name with --name"),
        ("digits", {}, "Digits", r"Digits.yaml:\d+:\d+: metadata.name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(repo, model, params, name, message):
    before = sorted(repo.rglob("*.yaml"))
    with pytest.raises(InvalidInput, match=message):
        newruns.new_run(repo, model, params, name)
    assert sorted(repo.rglob("*.yaml")) == before


def test_a_name_that_was_probably_meant_is_named(repo):
    with pytest.raises(
        InvalidInput, match=r'TrainingRun "digits-l" is in no file .* did you mean "digits-1"'
    ):
        newruns.cancel(repo, "digits-l")
