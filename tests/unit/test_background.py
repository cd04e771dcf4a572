"""A command in the background of a test: what it prints is read with a deadline, and told when it is over."""

import sys

import pytest

from background import Background


@pytest.fixture
def run():
    started = []

    def start(script):
        started.append(Background([sys.executable, "-u", "-c", script]))
        return started[-1]

    yield start
    for each in started:
        each.end()


def test_lines_come_one_by_one_and_the_rest_at_the_end(run):
    command = run("print('a'); print('b'); print('c')")
    assert command.line() == "a\n"
    assert command.rest() == "b\nc\n"
    assert command.is_over


def test_a_line_that_does_not_come_is_a_failure_with_what_was_printed(run):
    command = run("import time; print('only this'); time.sleep(600)")
    assert command.line() == "only this\n"
    with pytest.raises(AssertionError, match=r"no line within 0.1 s; .*\n.*only this"):
        command.line(seconds=0.1)
    with pytest.raises(AssertionError, match=r"did not end within 0.1 s; .*\n.*only this"):
        command.rest(seconds=0.1)
    assert not command.is_over


def test_a_command_that_ended_is_told_with_its_status_and_its_last_words(run):
    command = run("import sys; print('trouble', file=sys.stderr); sys.exit(3)")
    assert command.lines(1) == ["trouble\n"]
    with pytest.raises(AssertionError, match=r"it ended with 3; .*\n.*trouble"):
        command.line()
    assert command.rest() == ""
