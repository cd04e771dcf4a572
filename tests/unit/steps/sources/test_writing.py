"""Names of files, in their one form or refused; and what becomes of a file that does not come whole."""

import pytest

from mlplane.errors import InvalidInput
from mlplane.steps.sources import writing
from mlplane.steps.sources.found import Found
from mlplane.steps.sources.writing import Writing, plain_path


@pytest.mark.parametrize("name", ["a/b.csv", "./a/b.csv", "a//b.csv", "a/./b.csv", "a/b.csv/"])
def test_a_path_has_one_form(name):
    assert plain_path(name) == "a/b.csv"


def test_an_accent_is_one_character():
    assert plain_path("u\u0308.csv") == "\u00fc.csv"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/",
        "..",
        "a/..",
        "../a",
        "/a",
        "a\nb",
        "a\0b",
        "a\\b",
        "\udc80",
        "\u202eb",
        "a" * 251,
        "a/" * 513,
    ],
)
def test_a_path_that_leads_elsewhere_or_cannot_be_written_is_refused(name):
    with pytest.raises(InvalidInput):
        plain_path(name)


def test_an_order_of_listing_makes_no_difference(tmp_path):
    files = [Found(name, 1, lambda: iter([b"1"])) for name in ("b", "a", "C/c")]
    one = Writing(tmp_path / "one", 10).add_all(files)
    other = Writing(tmp_path / "other", 10).add_all(reversed(files))
    assert one.entries == other.entries
    assert [entry.path for entry in one.entries] == ["C/c", "a", "b"]


def test_a_listing_that_does_not_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MAX_FILES", 5)

    def endless():
        while True:
            yield Found("a", 0, lambda: iter([]))

    with pytest.raises(InvalidInput, match="more than 5 files"):
        Writing(tmp_path, 10).add_all(endless())


def test_what_takes_long_says_how_far_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(writing, "REPORT_S", 0.0)
    Writing(tmp_path, 10).add_all(
        [Found("a", 4, lambda: iter([b"12", b"34"])), Found("b", 1, lambda: iter([b"5"]))]
    )
    assert capsys.readouterr().out.splitlines() == [
        "read 2 bytes, 0 files so far",
        "read 4 bytes, 0 files so far",
        "read 5 bytes, 1 files so far",
    ]
