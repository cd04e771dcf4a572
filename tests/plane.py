"""A running plane for end-to-end tests: ``mlplane up`` as a user starts it, and the real kubectl."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

BIN = Path(sys.executable).parent
MLPLANE = str(BIN / "mlplane")
KUBECTL = str(BIN / "kubectl")
PARTS = ("apiserver", "engines", "controller")


def environment(home: Path, **more: str) -> dict[str, str]:
    """A person's environment without what this machine's user has configured."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV")}
    return kept | {"HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"} | more


def eventually(ask: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """The first true answer; fails with the last answer when time is up.

    Most questions here are processes, which would slow down what they ask about if they came more often.
    """
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last answer: {answer!r}")
        time.sleep(0.3)
    return answer


@dataclass
class Plane:
    """A plane and its state folder; ``process`` is the supervisor."""

    state: Path
    home: Path
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.home, KUBECONFIG=str(self.state / "kubeconfig"))

    def start(self) -> None:
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [MLPLANE, "up", "--state", str(self.state), *self.arguments],
                env=environment(self.home),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(self._answers, "the plane answers and knows the kinds")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "up.log").read_text()
        return (self.state / "kubeconfig").exists() and self.kubectl(
            "get", "modelservers", check=False
        ).returncode == 0

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def parts(self) -> dict[str, psutil.Process]:
        """The three supervised processes by name."""
        assert self.process is not None
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # killed, and not yet missed
                words = " ".join(child.cmdline())
                found |= {name: child for name in PARTS if name in words}
        return found

    def kubectl(
        self, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [KUBECTL, *arguments],
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=200,
        )

    def mlplane(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [MLPLANE, *arguments],
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            timeout=200,
        )

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        answer = self.kubectl("get", kind, "-o", "json", *arguments, check=False)
        return json.loads(answer.stdout)["items"] if answer.returncode == 0 else []

    def object(self, kind: str, name: str) -> dict[str, Any]:
        answer = self.kubectl("get", kind, name, "-o", "json", check=False)
        return json.loads(answer.stdout) if answer.returncode == 0 else {}

    def condition(self, kind: str, name: str, type_: str) -> dict[str, Any]:
        conditions = self.object(kind, name).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    def wait_for(
        self, kind: str, name: str, type_: str, status: str = "True", seconds: float = 150
    ) -> dict[str, Any]:
        """The condition, once it has the status."""

        def ask() -> dict[str, Any] | None:
            found = self.condition(kind, name, type_)
            return found if found.get("status") == status else None

        try:
            return eventually(ask, f"{kind}/{name} {type_}={status}", seconds)
        except AssertionError as error:
            error.add_note(self.kubectl("get", "mlplane,workflows,pods", "-o", "wide", check=False).stdout)
            raise

    def step_is_running(self, run: str, step: str) -> bool:
        nodes = self.object("workflow", f"{run}-1").get("status", {}).get("nodes", {}).values()
        return any(
            n["type"] == "Pod" and n["templateName"] == step and n["phase"] == "Running" for n in nodes
        )


@contextmanager
def running(plane: Plane) -> Iterator[Plane]:
    """The plane, started; stopped and without a process left at the end."""
    plane.start()
    try:
        yield plane
    finally:
        if plane.process is not None and plane.process.poll() is None:
            plane.stop()
        assert left_of(plane.state) == []


def left_of(state: Path) -> list[str]:
    """Command lines of processes that still belong to a state folder."""
    return [
        " ".join(p.info["cmdline"])
        for p in psutil.process_iter(["cmdline"])
        if any(str(state) in word for word in p.info["cmdline"] or ())
    ]


def make_repository(directory: Path, home: Path, template: str = "digits") -> Path:
    """A GitOps repository made from a template by ``mlplane init``."""
    subprocess.run(
        [MLPLANE, "init", str(directory), "--template", template],
        env=environment(home),
        check=True,
        capture_output=True,
    )
    return directory


def edit(path: Path, **changes: Any) -> None:
    """Change fields of a manifest, given as ``spec__params__epochs=600``."""
    document = yaml.safe_load(path.read_text())
    for dotted, value in changes.items():
        *parents, last = dotted.split("__")
        target = document
        for name in parents:
            target = target[name]
        target[last] = value
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def git(repository: Path, home: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=repository,
        env=environment(home),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(repository: Path, home: Path, message: str) -> None:
    """Commit the working tree as it is."""
    git(repository, home, "add", "-A")
    git(repository, home, "commit", "-qm", message)
