from io import StringIO

from rich.console import Console

from mlplane.cli.timeline import Timeline


def made(times, **console):
    out = StringIO()
    return Timeline(Console(file=out, width=80, **console), clock=iter(times).__next__), out


def test_each_stage_takes_the_time_since_the_one_before():
    timeline, _ = made([10.0, 10.5, 13.0])
    timeline.finish("commit", "done")
    timeline.finish("plane", "up")
    assert [(line.name, line.seconds) for line in timeline.lines] == [("commit", 0.5), ("plane", 2.5)]
    assert timeline.seconds == 3.0


def test_where_there_is_no_terminal_each_stage_is_one_plain_line():
    timeline, out = made([0.0, 1.25])
    with timeline.live():
        timeline.finish("commit", "a repository")
    assert out.getvalue() == "✓ commit       1.2 s  a repository\n"


def test_the_table_shows_what_is_over_and_what_is_waited_for():
    timeline, out = made([0.0, 2.0, 5.0], force_terminal=True)
    timeline.finish("ingest", "9 rows")
    timeline.begin("train", "3/9")
    timeline.console.print(timeline.table())
    text = out.getvalue()
    assert "ingest" in text
    assert "  2.0 s" in text
    assert "train" in text
    assert "  3.0 s" in text
    assert "3/9" in text
