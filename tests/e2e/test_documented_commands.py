"""Every command that the documents show, run in the order of the pages, against one plane.

The tutorial makes the repository and starts the plane; the other pages go on in the same place.
"""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from documents import Command, commands_of, missing_from, pages
from plane import Plane, environment, running

pytestmark = pytest.mark.timeout(400)
PATIENCE_S = 150


class Terminal:
    """A shell that stays where it is and keeps what is exported, and the plane that was started in it."""

    def __init__(self, folder: Path, planes: ExitStack) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self._kept = folder / "kept.sh"
        self._kept.write_text(f"cd {shlex.quote(str(folder))}\n")
        self._planes = planes
        identity = ("GIT_AUTHOR", "GIT_COMMITTER")
        names = {f"{who}_NAME": "Ada" for who in identity} | {
            f"{who}_EMAIL": "ada@localhost" for who in identity
        }
        self._environment = environment(self.home, **names)

    def run(self, command: Command) -> None:
        """Run a command of a page; what comes of it must be what the page says."""
        if command.text.startswith("mlplane up "):
            self._start_plane(command)
            return
        code, output = self._follow(command) if command.is_stopped else self._finish(command.text)
        said = f"{command}\n{output}"
        if not command.is_stopped:
            assert (code != 0) == command.is_refused, said
        if command.shown:
            assert missing_from(output, command.shown) == [], said

    def _start_plane(self, command: Command) -> None:
        folder = Path(self._finish("pwd")[1].strip())
        words = [str(folder) if word == "." else word for word in shlex.split(command.text)[2:]]
        self._planes.enter_context(running(Plane(folder / ".mlplane", self.home, tuple(words))))

    def _finish(self, text: str) -> tuple[int, str]:
        done = subprocess.run(
            self._script(text), env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _follow(self, command: Command) -> tuple[int, str]:
        """Let a command run until it has shown what the page shows, and interrupt it."""
        shown = ("…", *command.shown)
        log = self.home / "followed.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                self._script(command.text), env=self._environment, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while missing_from(log.read_text(), shown) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        return process.wait(timeout=60), log.read_text()

    def _script(self, text: str) -> list[str]:
        keep = f"trap '{{ export -p; echo cd \"$PWD\"; }} > {self._kept}' EXIT"
        return ["bash", "-c", f". {self._kept}; {keep}; set -a -o pipefail; {text}"]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with ExitStack() as planes:
        yield Terminal(tmp_path_factory.mktemp("documents"), planes)


@pytest.mark.parametrize("page", [page for page in pages() if commands_of(page)])
def test_each_command_of_a_page_does_what_the_page_says(terminal: Terminal, page: str):
    for command in commands_of(page):
        if command.excuse is None:
            terminal.run(command)
