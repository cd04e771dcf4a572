from datetime import UTC, datetime

import pytest
from rich.console import Console

from mlplane.api.judgement import PinnedRef
from mlplane.cli.profiletable import bars, number, percent, printable, table
from mlplane.data.profiles import Bins, ColumnProfile, Lengths, Numbers, Profile, TopValue

VERSION = PinnedRef(name="people", digest=f"sha256:{'ab' * 32}")


def text_of(*columns: ColumnProfile, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table(VERSION, Profile(rows=1797, columns=columns)))
    return captured.get()


def column(**more) -> ColumnProfile:
    return ColumnProfile.model_validate(
        {"name": "age", "type": "Number", "looked_at": 1000, "nulls": 0, "distinct": 12, **more}
    )


NUMBERS = Numbers(
    min=18,
    max=95.5,
    mean=42.25,
    std=14.5,
    deciles=(18, 20, 30, 40, 41.5, 50, 60, 70, 80),
    bins=Bins(edges=(), counts=(1000,)),
    histogram=Bins(edges=(40, 60), counts=(10, 70, 0)),
)


def test_the_head_names_the_version():
    assert "people sha256:abababababab  1,797 records, 1 columns" in text_of(column())


def test_numbers_have_a_plot_and_their_summary():
    lines = text_of(column(nulls=31, numbers=NUMBERS), width=80).splitlines()
    (at,) = (place for place, line in enumerate(lines) if line.startswith("age"))
    assert lines[at].split() == ["age", "3.1", "%", "12", "▁▇", "18", "…", "41.5", "…", "95.5"]
    assert lines[at + 1].split() == ["Number", "42.25", "±", "14.5"]


def test_frequent_texts_are_named():
    top = tuple(TopValue(value=v, count=c) for v, c in (("a", 500), ("b", 250), ("c", 150), ("d", 100)))
    text = text_of(column(type="String", top=top, lengths=Lengths(min=1, max=1, mean=1)))
    assert "▇▄▃▂" in text
    assert "a 50 %, b 25 %, c 15 %, …" in text


def test_texts_of_which_none_is_frequent_are_shown_by_their_length():
    top = (TopValue(value="secret-key", count=1),)
    text = text_of(column(type="String", top=top, lengths=Lengths(min=3, max=12, mean=5)))
    assert "secret" not in text
    assert "3 to 12 characters" in text


def test_a_vector_says_how_wide_it_is():
    assert "Number[64]" in text_of(column(width=64, numbers=NUMBERS))


def test_a_column_without_values_is_a_line_too():
    assert "100 %" in text_of(column(nulls=1000, distinct=0))


def test_a_value_gives_no_commands_to_the_terminal():
    top = (TopValue(value="\x1b]0;own\x07[bold]x", count=900),)
    text = text_of(column(type="String", top=top))
    assert "\x1b]0" not in text
    assert "\x07" not in text
    assert "·]0;own·[bold]" in text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_into_narrow_terminals_and_nothing_is_cut_off(width):
    name, bins = "a_long_name_of_a_column" * 2, Bins(edges=(), counts=range(1, 21))
    numbers = NUMBERS.model_copy(update={"histogram": bins, "max": 12345.5})
    lines = text_of(column(name=name, numbers=numbers, nulls=310), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert bars(bins.counts) in "\n".join(lines)
    assert name in "".join(line.split(" ")[0] for line in lines)
    in_order = "".join(line.partition("  ")[2] for line in lines).replace(" ", "")
    assert all(text in in_order for text in ("31%", "12,346"))


@pytest.mark.parametrize(
    ("counts", "want"), [((), ""), ((0, 0), "  "), ((1, 1000), "▁▇"), ((7, 14), "▄▇"), ((5,), "▇")]
)
def test_a_bar_is_as_high_as_its_count(counts, want):
    assert bars(counts) == want


@pytest.mark.parametrize(
    ("value", "type_", "want"),
    [
        (12, "Integer", "12"),
        (1234567, "Integer", "1,234,567"),
        (10**12, "Integer", "1e+12"),
        (0.000123456, "Number", "0.0001235"),
        (41234.5, "Number", "41,234"),
        (datetime(2026, 3, 4, tzinfo=UTC).timestamp() * 1e6, "Timestamp", "2026-03-04"),
        (-(2**62), "Timestamp", "-4.612e+18 µs"),
    ],
)
def test_a_number_is_short(value, type_, want):
    assert number(value, type_) == want


@pytest.mark.parametrize(
    ("share", "want"), [(0, "0 %"), (1e-9, "<0.1 %"), (0.031, "3.1 %"), (0.5, "50 %"), (1, "100 %")]
)
def test_a_share_of_something_never_looks_like_nothing(share, want):
    assert percent(share) == want


def test_long_and_empty_values_are_shown_as_such():
    assert printable("x" * 40) == "x" * 15 + "…"
    assert printable("") == "''"
