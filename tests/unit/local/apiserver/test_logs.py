"""Logs of containers: which lines, which container, when it ends."""

import asyncio
from pathlib import Path

import pytest

from mlplane.local.apiserver import logoptions, logs
from mlplane.local.apiserver.statuses import ApiError


def pod(*states, restart="Never"):
    """A pod whose containers c0, c1, … are in these states."""
    names = [f"c{n}" for n in range(len(states))]
    return {
        "metadata": {"name": "p", "uid": "u"},
        "spec": {"containers": [{"name": name} for name in names], "restartPolicy": restart},
        "status": {
            "containerStatuses": [
                {"name": name, "state": state} for name, state in zip(names, states, strict=True)
            ]
        },
    }


RUNNING = {"running": {}}
ENDED = {"terminated": {"exitCode": 0}}
WAITING = {"waiting": {"reason": "PodInitializing"}}


async def read(path, query, current):
    options = logoptions.log_options(query, current())
    return b"".join([block async for block in logs.stream(path, options, current)])


@pytest.mark.parametrize("tail", [0, 1, 2, 3, 999, 20_000, 30_000])
@pytest.mark.parametrize("end", ["", "\n"])
async def test_the_last_lines_are_the_last_lines(tmp_path, tail, end):
    lines = [f"line {n} {'x' * (n % 90)}" for n in range(20_000)]
    path = tmp_path / "log"
    path.write_text("\n".join(lines) + end)
    found = await read(path, {"tailLines": str(tail)}, lambda: pod(ENDED))
    wanted = lines[len(lines) - tail :] if tail < len(lines) else lines
    assert found.decode() == ("\n".join(wanted) + end if tail else "")


async def test_a_log_that_does_not_exist_yet_is_empty(tmp_path):
    assert await read(tmp_path / "none", {}, lambda: pod(RUNNING)) == b""


async def test_following_reads_what_was_written_before_the_end_was_seen(tmp_path):
    path = tmp_path / "log"
    now = [pod(RUNNING)]
    reading = asyncio.create_task(read(path, {"follow": "true"}, lambda: now[0]))
    await asyncio.sleep(0)
    path.write_bytes(b"x" * 200_000 + b"\nlast\n")
    now[0] = pod(ENDED)
    async with asyncio.timeout(5):
        assert (await reading).endswith(b"\nlast\n")


async def test_following_ends_when_the_pod_is_gone(tmp_path):
    (tmp_path / "log").write_text("one\n")
    options = logoptions.log_options({"follow": "true"}, pod(RUNNING))
    async with asyncio.timeout(5):
        blocks = [b async for b in logs.stream(tmp_path / "log", options, lambda: None)]
    assert blocks == [b"one\n"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "a container name must be specified for pod p, choose one of: [c0 c1]"),
        ({"container": "x"}, "container x is not valid for pod p"),
        ({"container": "c0", "previous": "true"}, "previous terminated container"),
        ({"container": "c0", "sinceSeconds": "5"}, "sinceSeconds is not supported"),
        ({"container": "c0", "timestamps": "true"}, "timestamps is not supported"),
        ({"container": "c0", "tailLines": "many"}, 'strconv.ParseInt: parsing "many": invalid syntax'),
    ],
)
def test_what_cannot_be_shown_is_refused(query, words):
    with pytest.raises(ApiError) as refused:
        logoptions.log_options(query, pod(RUNNING, WAITING))
    assert refused.value.code == 400
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ({"tailLines": "-1"}, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        (
            {"sinceSeconds": "1", "sinceTime": "2026-01-01T00:00:00Z"},
            "[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
    ],
)
def test_what_makes_no_sense_is_invalid(query, cause):
    with pytest.raises(ApiError) as refused:
        logoptions.log_options(query, pod(RUNNING))
    assert refused.value.code == 422
    assert refused.value.message == f'PodLogOptions "p" is invalid: {cause}'


@pytest.mark.parametrize(
    ("state", "file"), [(RUNNING, "c0.previous.log"), (ENDED, "c0.previous.log"), (WAITING, "c0.log")]
)
def test_the_previous_log_is_that_of_the_last_run_that_ended(state, file):
    """While the next run is waited for, the last one's log is still in the place of the present one."""
    current = pod(state, restart="Always")
    current["status"]["containerStatuses"][0]["lastState"] = ENDED
    options = logoptions.log_options({"previous": "true"}, current)
    assert logs.file_of(Path("pods"), current, options) == Path("pods/u") / file


async def test_the_previous_log_is_not_followed(tmp_path):
    (tmp_path / "log").write_text("one\n")
    current = pod(RUNNING, restart="Always")
    current["status"]["containerStatuses"][0]["lastState"] = ENDED
    async with asyncio.timeout(5):
        found = await read(tmp_path / "log", {"previous": "true", "follow": "true"}, lambda: current)
    assert found == b"one\n"


def test_a_container_that_has_never_run_has_no_log():
    with pytest.raises(ApiError, match="waiting to start: PodInitializing"):
        logoptions.check_started(pod(RUNNING, WAITING), "c1")


def test_a_container_that_waits_for_its_next_run_has_a_log():
    current = pod({"waiting": {"reason": "CrashLoopBackOff"}}, restart="Always")
    current["status"]["containerStatuses"][0]["lastState"] = ENDED
    logoptions.check_started(current, "c0")
