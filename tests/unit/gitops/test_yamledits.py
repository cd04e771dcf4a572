"""Fields that are changed, put in and taken out, while everything else stays to the letter."""

import pytest

from mlplane.errors import InvalidInput
from mlplane.gitops.manifest import load
from mlplane.gitops.yamledits import with_field, without_field, written

BLOCK = """# why we train
kind: TrainingRun   # a run
spec:
  entrypoint: train.py  # ours
  params:  # tuned by hand
    lr: "0.003"   # do not touch
    epochs: 30

  evaluation:
    split: test
"""
FLOW = """kind: TrainingRun
spec: {entrypoint: train.py, params: {lr: '0.003', epochs: 30}, suspend: true}  # dense
"""


@pytest.mark.parametrize(
    ("text", "path", "value", "old", "new"),
    [
        (BLOCK, ("spec", "params", "lr"), "0.001", '"0.003"', '"0.001"'),
        (BLOCK, ("spec", "params", "lr"), 1, '"0.003"', '"1"'),
        (BLOCK, ("spec", "params", "epochs"), 5, "epochs: 30", "epochs: 5"),
        (BLOCK, ("spec", "params", "epochs"), "1e3", "epochs: 30", 'epochs: "1e3"'),
        (BLOCK, ("spec", "params", "hidden"), 64, "epochs: 30\n", "epochs: 30\n    hidden: 64\n"),
        (FLOW, ("spec", "params", "lr"), "0.001", "'0.003'", "'0.001'"),
        (FLOW, ("spec", "params", "lr"), "it's", "'0.003'", '"it\'s"'),
        (FLOW, ("spec", "params", "hidden"), 64, "epochs: 30", "epochs: 30, hidden: 64"),
        (FLOW, ("spec", "suspend"), False, "suspend: true", "suspend: false"),
    ],
)
def test_only_the_value_is_changed(text, path, value, old, new):
    assert with_field(text, "f.yaml", path, value) == text.replace(old, new)


def test_a_field_is_put_behind_another_one_and_its_comment():
    changed = with_field(BLOCK, "f.yaml", ("spec", "suspend"), value=True, after="entrypoint")
    assert changed == BLOCK.replace("# ours\n", "# ours\n  suspend: true\n")


def test_a_field_is_put_first_where_the_last_one_takes_several_lines():
    changed = with_field(BLOCK, "f.yaml", ("spec", "rerun"), "again")
    assert changed == BLOCK.replace("  entrypoint", "  rerun: again\n  entrypoint")


@pytest.mark.parametrize("text", [BLOCK, FLOW, BLOCK.replace("\n", "\r\n"), BLOCK.rstrip("\n")])
def test_what_was_put_in_is_taken_out_again(text):
    more = with_field(text, "f.yaml", ("spec", "rerun"), "again", after="entrypoint")
    assert load(more, "f.yaml")[0].body["spec"]["rerun"] == "again"
    assert without_field(more, "f.yaml", ("spec", "rerun")) == text


def test_first_middle_and_last_field_in_braces_are_taken_out():
    for name, rest in (("entrypoint", "params"), ("suspend", "entrypoint")):
        spec = load(without_field(FLOW, "f.yaml", ("spec", name)), "f.yaml")[0].body["spec"]
        assert name not in spec
        assert rest in spec


@pytest.mark.parametrize(
    "value", ["true", "No", "1e3", "0x10", "", "a: b", "{x}", "#", "ünï", 'a"b', "a\\b", "~"]
)
def test_a_string_stays_a_string(value):
    text = with_field(BLOCK, "f.yaml", ("spec", "params", "name"), value)
    assert load(text, "f.yaml")[0].body["spec"]["params"]["name"] == value
    assert written("adam") == "adam"


def test_a_value_of_several_lines_is_not_guessed_at():
    text = BLOCK.replace("entrypoint: train.py", "entrypoint: >\n    train.py\n ")
    with pytest.raises(InvalidInput, match=r"f.yaml:4: spec.entrypoint takes several lines"):
        with_field(text, "f.yaml", ("spec", "entrypoint"), "other.py")
