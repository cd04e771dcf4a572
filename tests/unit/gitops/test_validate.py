import copy
import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import builders as b
from mlplane.gitops.validate import validate

DATASET = """\
apiVersion: mlplane.dev/v1alpha1
kind: Dataset
metadata:
  name: digits
spec:
  source:
    git: {url: https://elsewhere.example/data.git, path: digits.csv.gz, commit: COMMIT}
  format: CSV
  header: Absent
  columns:
  - {name: pixels, type: Integer, width: 64}
  - {name: label, type: Integer}
  splits:
  - {name: train, percent: 80}
  - {name: test, percent: 20}
""".replace("COMMIT", "c" * 40)

RUN = """\
apiVersion: mlplane.dev/v1alpha1
kind: TrainingRun
metadata:
  name: digits-1
spec:
  model: digits
  dataset: {name: digits}
  code:
    git:
      url: https://elsewhere.example/code.git
      path: train
      commit: COMMIT
  entrypoint: train.py
  params:
    epochs: 30
    lr: "0.01"
  evaluation:
    split: test
    label: label
    gates:
    - metric: accuracy
      min: "0.95"
""".replace("COMMIT", "c" * 40)

SERVER = """\
apiVersion: mlplane.dev/v1alpha1
kind: ModelServer
metadata:
  name: digits
spec:
  follow: {model: digits, policy: Newest}
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "dev"
    made.mkdir()
    for name, text in (("dataset", DATASET), ("run", RUN), ("server", SERVER)):
        (made / f"{name}.yaml").write_text(text)
    return made


def user(body):
    """As a person writes it: without what the API server adds."""
    kept = copy.deepcopy(body)
    kept["metadata"] = {"name": body["metadata"]["name"]}
    return kept


def test_right_manifests_have_no_findings(folder):
    assert validate([folder]) == []


@pytest.mark.parametrize("body", [b.dataset(), b.run(), b.model_version()], ids=lambda body: body["kind"])
def test_every_kind_is_known(tmp_path, body):
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump(user(body)))
    assert [f for f in validate([file]) if f.severity == "error"] == []


# What is replaced in which file; line and column; field; words of the message; suggestion.
BROKEN = {
    "a float where a string is wanted": (
        ("run", 'min: "0.95"', "min: 0.95"),
        (22, 12, "spec.evaluation.gates[0].min"),
        "0.95 is a number with a fraction, but a string is wanted here: quote it",
        '"0.95"',
    ),
    "a float as parameter": (
        ("run", 'lr: "0.01"', "lr: 1e-2"),
        (16, 9, "spec.params.lr"),
        "1e-2 is a number with a fraction, but a whole number or a string is wanted here: quote it",
        '"1e-2"',
    ),
    "a boolean as parameter": (
        ("run", 'lr: "0.01"', "nesterov: yes"),
        (16, 15, "spec.params.nesterov"),
        "yes is a boolean, but a whole number or a string is wanted here: quote it",
        '"yes"',
    ),
    "a number in quotes": (
        ("run", "entrypoint: train.py", 'entrypoint: train.py\n  seed: "7"'),
        (14, 9, "spec.seed"),
        '"7" is a string, but a whole number is wanted here',
        "7, without quotes",
    ),
    "nothing": (
        ("run", "epochs: 30", "epochs:"),
        (15, 5, "spec.params.epochs"),
        "nothing stands here, but a whole number or a string is wanted",
        "",
    ),
    "nothing, where a field may be left out": (
        (
            "server",
            "follow: {model: digits, policy: Newest}",
            "modelVersion:\n  follow: {model: digits, policy: Newest}",
        ),
        (6, 3, "spec.modelVersion"),
        "nothing stands here, but a mapping is wanted",
        "",
    ),
    "a misspelt field": (
        ("run", "params:", "parmas:"),
        (14, 3, "spec.parmas"),
        'there is no field "parmas" here',
        "params",
    ),
    "a name of Python": (
        ("server", "  follow:", "  model_version: {name: a}\n  follow:"),
        (6, 3, "spec.model_version"),
        'there is no field "model_version" here',
        "modelVersion",
    ),
    "a missing field": (
        ("run", "  entrypoint: train.py\n", ""),
        (5, 1, "spec.entrypoint"),
        "the field entrypoint is required and missing (Python script to run, relative to the code)",
        "",
    ),
    "a value that is not allowed": (
        ("run", "metric: accuracy", "metric: acuracy"),
        (21, 15, "spec.evaluation.gates[0].metric"),
        '"acuracy" is no metric of the task, and there is no evaluator that could give it',
        "accuracy",
    ),
    "a metric of another task": (
        ("run", "metric: accuracy", "metric: rmse"),
        (21, 15, "spec.evaluation.gates[0].metric"),
        '"rmse" is no metric of the task',
        "",
    ),
    "a slice that there is not": (
        ("run", 'min: "0.95"', 'slice: young\n      min: "0.95"'),
        (22, 14, "spec.evaluation.gates[0].slice"),
        '"young" is no slice of this evaluation',
        "",
    ),
    "a value that does not match": (
        ("run", "c" * 40, "HEAD"),
        (12, 15, "spec.code.git.commit"),
        '"HEAD" is not right: it must match ^[0-9a-f]{40}$',
        "",
    ),
    "a password in an address": (
        ("run", "https://elsewhere", "https://me:secret@elsewhere"),
        (10, 12, "spec.code.git.url"),
        "it must match",
        "",
    ),
    "a path out of the repository": (
        ("run", "entrypoint: train.py", "entrypoint: ../train.py"),
        (13, 15, "spec.entrypoint"),
        "it must match",
        "",
    ),
    "a wrong name in a map": (
        ("run", "epochs: 30", "max-epochs: 30"),
        (15, 5, "spec.params.max-epochs"),
        'the name "max-epochs" is not allowed: it must match ^[A-Za-z_][A-Za-z0-9_]*$',
        "",
    ),
    "a string instead of a mapping": (
        ("run", "dataset: {name: digits}", "dataset: digits"),
        (7, 12, "spec.dataset"),
        '"digits" is a string, but a mapping is wanted here',
        "",
    ),
    "a list instead of a mapping": (
        ("run", "dataset: {name: digits}", "dataset: [digits]"),
        (7, 3, "spec.dataset"),
        "this is a list, but a mapping is wanted here",
        "",
    ),
    "too few entries": (
        ("run", '    gates:\n    - metric: accuracy\n      min: "0.95"\n', "    gates: []\n"),
        (20, 5, "spec.evaluation.gates"),
        "0 entries are given; at least 1 entries are needed",
        "",
    ),
    "a number that is too small": (
        ("dataset", "width: 64", "width: 0"),
        (11, 42, "spec.columns[0].width"),
        "0 is not right: it must be 1 or more",
        "",
    ),
    "a rule of the kind": (
        ("dataset", "percent: 80", "percent: 70"),
        (5, 1, "spec"),
        "the percents of spec.splits must add up to 100",
        "",
    ),
    "a sweep of too many trials": (
        (
            "run",
            "  evaluation:\n",
            """\
  sweep:
    method: Grid
    parameters:
    - {name: width, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}
    - {name: depth, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}
    objective: {metric: loss, goal: Minimize}
  evaluation:
""",
        ),
        (20, 5, "spec.sweep.parameters"),
        "11 x 10 values make 110 trials; at most 100 are allowed",
        "",
    ),
    "a gate on a change from nothing": (
        ("run", '      min: "0.95"\n', '      minChange: "0"\n'),
        (17, 3, "spec.evaluation"),
        "a gate on a change needs a baseline to change from",
        "",
    ),
    "an entry given twice": (
        ("dataset", "{name: test, percent: 20}", "{name: test, percent: 15}\n  - {name: test, percent: 5}"),
        (16, 12, "spec.splits[2].name"),
        "test is there already: each name may be given once",
        "",
    ),
    "a name that is too long for children": (
        ("dataset", "name: digits\n", f"name: {'d' * 41}\n"),
        (4, 9, "metadata.name"),
        "metadata.name must have at most 40 characters",
        "",
    ),
    "a misspelt field of metadata": (
        ("server", "  name: digits\n", "  name: digits\n  lables: {a: b}\n"),
        (5, 3, "metadata.lables"),
        'there is no field "lables" here',
        "labels",
    ),
    "a label that is none": (
        ("server", "  name: digits\n", "  name: digits\n  labels: {team: a b}\n"),
        (5, 18, "metadata.labels.team"),
        '"a b" is no value for a label',
        "",
    ),
    "a name of a label that is none": (
        ("server", "  name: digits\n", "  name: digits\n  labels: {a b: c}\n"),
        (5, 12, "metadata.labels.a b"),
        '"a b" is no name for labels',
        "",
    ),
    "a misspelt kind": (
        ("server", "kind: ModelServer", "kind: Modelserver"),
        (2, 7, "kind"),
        "Modelserver is not a kind of mlplane.dev/v1alpha1",
        "ModelServer",
    ),
    "a wrong version": (
        ("server", "mlplane.dev/v1alpha1", "mlplane.dev/v1"),
        (1, 13, "apiVersion"),
        "mlplane.dev/v1 is not the API version of ModelServer",
        "mlplane.dev/v1alpha1",
    ),
    "no kind": (
        ("server", "kind: ModelServer\n", ""),
        (1, 1, "kind"),
        "the field kind is required and must be a string",
        "",
    ),
    "two documents": (
        ("server", SERVER, f"{SERVER}---\n{SERVER}"),
        (7, 1, ""),
        "a file holds one object: split the documents into a file each",
        "",
    ),
    "a kind given twice": (
        ("server", "kind: ModelServer\n", "kind: ModelServer\nkind: Dataset\n"),
        (3, 1, ""),
        "the field kind is given twice; the first time in line 2",
        "",
    ),
    "a split that the dataset does not have": (
        ("run", "split: test", "split: tset"),
        (18, 12, "spec.evaluation.split"),
        "Dataset digits has no tset among its splits",
        "test",
    ),
    "a label that the dataset does not have": (
        ("run", "label: label", "label: lable"),
        (19, 12, "spec.evaluation.label"),
        "Dataset digits has no lable among its columns",
        "label",
    ),
    "a column that decides splits and is none": (
        ("dataset", "  splits:\n", "  splitBy: {method: Hash, column: user}\n  splits:\n"),
        (13, 35, "spec.splitBy.column"),
        "found 'user', which is no column; allowed: pixels, label",
        "",
    ),
    "a check of a column that is none": (
        ("dataset", "  splits:\n", "  checks:\n  - {name: old, column: age, range: {min: '1'}}\n  splits:\n"),
        (14, 25, "spec.checks[0].column"),
        "found 'age', which is no column; allowed: pixels, label",
        "",
    ),
    "a pin that was never locked": (
        ("run", f"commit: {'c' * 40}", f'commit: "{"0" * 40}"'),
        (12, 15, "spec.code.git.commit"),
        "train is not pinned to a commit yet",
        "mlplane lock --commit",
    ),
    "neither a version nor a rule": (
        ("server", "spec:\n  follow: {model: digits, policy: Newest}\n", "spec: {}\n"),
        (5, 1, "spec"),
        "exactly one of spec.modelVersion and spec.follow must be set",
        "",
    ),
}


@pytest.mark.parametrize(("change", "place", "words", "suggestion"), BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_has_one_finding_at_the_right_place(folder, change, place, words, suggestion):
    name, old, new = change
    file = folder / f"{name}.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    [found] = [f for f in validate([folder]) if f.severity == "error"]
    assert (found.file, found.line, found.column, found.path) == (str(file), *place)
    assert words in found.message
    assert found.suggestion == suggestion


def test_every_fault_of_a_file_is_found_in_one_go(folder):
    file = folder / "run.yaml"
    file.write_text(RUN.replace('"0.01"', "0.01").replace('"0.95"', "0.95").replace("params:", "params: #"))
    assert [f.path for f in validate([folder])] == ["spec.params.lr", "spec.evaluation.gates[0].min"]


def test_a_misspelt_field_is_named_where_the_right_one_is_missing(folder):
    file = folder / "run.yaml"
    file.write_text(RUN.replace("entrypoint:", "entrypont:"))
    hints = {f.path: f.suggestion for f in validate([folder])}
    assert hints == {
        "spec.entrypoint": "is entrypont meant to be entrypoint?",
        "spec.entrypont": "entrypoint",
    }


def test_a_dataset_that_is_not_there_is_waited_for(folder):
    (folder / "run.yaml").write_text(RUN.replace("{name: digits}", "{name: digitz}"))
    [found] = validate([folder])
    assert (found.severity, found.line, found.column, found.suggestion) == ("warning", 7, 19, "digits")
    assert "will wait until it exists" in found.message


def test_a_dataset_that_is_there_but_wrong_is_not_called_missing(folder):
    (folder / "dataset.yaml").write_text(DATASET.replace("format: CSV", "format: csv"))
    [found] = validate([folder])
    assert (Path(found.file).name, found.suggestion) == ("dataset.yaml", "CSV")


def test_a_model_that_nothing_makes_is_waited_for(folder):
    (folder / "server.yaml").write_text(SERVER.replace("model: digits", "model: digitz"))
    [found] = validate([folder])
    assert (found.severity, found.path, found.suggestion) == ("warning", "spec.follow.model", "digits")


def test_a_pinned_version_with_another_digest_is_an_error(folder):
    (folder / "version.yaml").write_text(yaml.safe_dump(user(b.model_version())))
    pin = {"name": "digits-aaaaaaaa", "digest": "sha256:" + "0" * 64}
    (folder / "server.yaml").write_text(
        SERVER.partition("  follow")[0] + f"  modelVersion: {json.dumps(pin)}"
    )
    [found] = validate([folder])
    assert (found.severity, found.path) == ("error", "spec.modelVersion.digest")
    assert found.suggestion == b.MODEL_DIGEST


def test_an_object_that_two_files_define_is_an_error(folder):
    (folder / "zzz.yml").write_text(SERVER)
    [found] = validate([folder])
    assert Path(found.file).name == "zzz.yml"
    assert f"the first is at {folder / 'server.yaml'}:1" in found.message


def test_the_same_name_in_two_namespaces_is_two_objects(folder):
    (folder / "other.yaml").write_text(SERVER.replace("name: digits\n", "name: digits\n  namespace: b\n"))
    assert [f.severity for f in validate([folder])] == ["warning"]


def test_an_object_of_another_system_is_a_warning(folder):
    (folder / "config.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mlplane-git}\n")
    [found] = validate([folder])
    assert (found.severity, found.message) == (
        "warning",
        "ConfigMap of v1 is no kind of mlplane and is not checked",
    )


def test_a_pin_that_its_repository_has_outgrown_is_an_error(repo, git_in):
    commit = git_in("rev-parse", "HEAD").strip()
    own = RUN.replace("elsewhere.example/code", "git.example.com/team/digits").replace("c" * 40, commit)
    file = repo / "dev.yaml"
    file.write_text(own)
    assert [f for f in validate([file]) if f.severity == "error"] == []
    (repo / "train" / "train.py").write_text("print(2)\n")
    git_in("add", "-A")
    git_in("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "second")
    [found] = [f for f in validate([file]) if f.severity == "error"]
    assert (found.line, found.column, found.path) == (12, 15, "spec.code.git.commit")
    assert f"train has changed since commit {commit[:12]}; run `mlplane lock --commit`" in found.message


def test_files_that_cannot_be_read_are_findings(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("name: Zoë".encode("latin-1"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "large.yaml").write_bytes(b"#" * (5 << 20))
    found = validate(
        [tmp_path / "latin.yaml", tmp_path / "empty", tmp_path / "large.yaml", tmp_path / "absent.yaml"]
    )
    assert {Path(f.file).name: f.message for f in found} == {
        "latin.yaml": "the file is not UTF-8 text (byte 8)",
        "empty": "there is no YAML file here",
        "large.yaml": "the file is larger than 4194304 bytes",
        "absent.yaml": "the file cannot be read: No such file or directory",
    }


def test_hidden_directories_are_left_out(folder):
    (folder / ".github").mkdir()
    (folder / ".github" / "workflow.yaml").write_text("on: push\n")
    assert validate([folder]) == []


def test_a_thousand_manifests_take_about_a_second(tmp_path):
    body = user(b.run())
    body["spec"]["params"] = {f"parameter{n}": f"value {n}" for n in range(26)}
    for number in range(1000):
        body["metadata"]["name"] = f"run-{number}"
        (tmp_path / f"{number}.yaml").write_text(yaml.dump(body, Dumper=yaml.CSafeDumper))
    assert (tmp_path / "0.yaml").stat().st_size > 1000
    began = time.process_time()
    findings = validate([tmp_path])
    took = time.process_time() - began
    assert {f.severity for f in findings} == {"warning"}
    assert took < 3, f"{took:.2f} s of processor time"  # 0.5 s on an idle machine


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value, path=()):
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, child in children:
        yield from _paths(child, (*path, step))


PATHS = [(text, path) for text in (DATASET, RUN, SERVER) for path in _paths(yaml.safe_load(text)) if path]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PATHS), VALUES, st.sampled_from(["replace", "remove", "add"]))
def test_any_change_of_a_manifest_is_judged_and_never_crashes(tmp_path, target, value, action):
    text, path = target
    body = yaml.safe_load(text)
    parent = body
    for step in path[:-1]:
        parent = parent[step]
    if action == "remove":
        del parent[path[-1]]
    elif action == "add" and isinstance(parent, dict):
        parent["added"] = value
    else:
        parent[path[-1]] = value
    file = tmp_path / "fuzz.yaml"
    written = yaml.safe_dump(body, allow_unicode=True)
    file.write_text(written, encoding="utf-8")
    lines = len(written.split("\n"))
    for found in validate([file]):
        assert found.message
        assert 1 <= found.line <= lines
        assert found.column >= 1
