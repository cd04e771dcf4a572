import pytest

from mlplane.errors import InvalidInput
from mlplane.gitops.pins import identity, pins, replaced


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/team/digits.git",
        "https://git.example.com/team/digits",
        "https://Git.Example.com/team/digits/",
        "https://user:password@git.example.com/team/digits.git",
        "ssh://git@git.example.com/team/digits.git",
        "git@git.example.com:team/digits.git",
        "git.example.com:team/digits",
    ],
)
def test_all_ways_to_write_an_address_are_one_identity(url):
    assert identity(url) == "git.example.com/team/digits"


@pytest.mark.parametrize(
    "url", ["https://git.example.com/team/Digits.git", "https://example.com/team/digits.git"]
)
def test_other_addresses_are_others(url):
    assert identity(url) != "git.example.com/team/digits"


def test_a_pin_knows_its_object_and_its_line():
    text = "kind: Dataset\nmetadata:\n  name: d\nspec:\n  source: {git: {url: u, path: p, commit: c}}\n"
    [pin] = pins(text, "a.yaml")
    assert (pin.kind, pin.name, pin.line, pin.url.value, pin.path.value) == ("Dataset", "d", 5, "u", "p")


def test_lineage_is_history_and_no_pin():
    assert pins("spec: {lineage: {code: {url: u, path: p, commit: c, tree: t}}}", "a.yaml") == []


def test_an_anchor_is_one_pin():
    text = "a: {git: &g {url: u, path: p, commit: c}}\nb: {git: *g}\n"
    assert len(pins(text, "a.yaml")) == 1


def test_replacing_keeps_everything_else_to_the_letter():
    text = "# ü\r\ngit:\r\n  url: u\r\n  path: p\r\n  commit:   'old'   # why\r\n\r\n"
    [pin] = pins(text, "a.yaml")
    assert replaced(text, {pin.commit: "new"}) == text.replace("'old'", "'new'")


def test_yaml_that_is_broken_is_told_with_its_place():
    with pytest.raises(InvalidInput, match=r"a\.yaml:2: "):
        pins("a: 1\nb: [", "a.yaml")
