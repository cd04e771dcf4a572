"""The API server as a process of its own, and the clients that people use against it.

``api_server`` is one server for the whole session: a test takes a namespace or a kind of its own. The matrix,
which defines kinds under names that others use too, has ``matrix_server``.
``start_server`` makes servers that a test may stop and kill.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from background import Background
from mlplane.local.state import State

BIN = Path(sys.executable).parent
WIDGETS = Path(__file__).with_name("widgets.yaml")

_numbers = itertools.count()


def eventually(ask: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The first true answer; fails with the last one when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; last answer: {answer!r}"
        time.sleep(0.02)
    return answer


@dataclass
class ApiServer:
    """A server process, its state folder, and kubectl for it."""

    state: State
    home: Path
    namespace: str = "default"
    process: subprocess.Popen[bytes] | None = None
    children: list[Background] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """A person's environment that knows nothing but this server."""
        kept = {k: v for k, v in os.environ.items() if k in ("LANG", "TMPDIR", "PYTHONPATH")}
        return kept | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "KUBECONFIG": str(self.state.kubeconfig),
            "KUBECACHEDIR": str(self.home / "cache"),
        }

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with self.state.log("apiserver").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlplane.local.apiserver", "--state", str(self.state.root)],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._answers, "the API server answers")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.state.log("apiserver").read_text()
        return self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def close(self) -> None:
        """End everything that was started."""
        for child in self.children:
            child.end()
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def kubectl(
        self, *arguments: str, check: bool = True, stdin: Any = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; ``stdin`` is text, or an object that becomes JSON."""
        done = subprocess.run(
            ["kubectl", "-n", self.namespace, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            input=stdin if isinstance(stdin, str | None) else json.dumps(stdin),
            timeout=100,
            check=False,
        )
        assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done

    def background(self, *arguments: str, **environment: str) -> Background:
        """A kubectl that goes on."""
        child = Background(["kubectl", "-n", self.namespace, *arguments], self.environment | environment)
        self.children.append(child)
        return child

    def object(self, *arguments: str) -> dict[str, Any]:
        """``kubectl get -o json``; empty if there is none."""
        done = self.kubectl("get", *arguments, "-o", "json", "--show-managed-fields", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def in_new_namespace(self) -> "ApiServer":
        """The same server, for a namespace that nobody else uses."""
        name = f"test-{next(_numbers)}"
        self.kubectl("create", "namespace", name)
        return ApiServer(self.state, self.home, name, self.process)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[ApiServer]:
    """A server with a state folder of its own; stopped at the end."""
    home = folder / "home"
    home.mkdir(parents=True)
    server = ApiServer(State.create(folder / "state"), home)
    server.start()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server for all tests; it knows the kind Widget."""
    with serving(tmp_path_factory.mktemp("conformance")) as server:
        server.kubectl("apply", "-f", str(WIDGETS))
        yield server


@pytest.fixture(scope="session")
def matrix_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The matrix's: started again, so that like one that has run for long it has forgotten old versions."""
    with serving(tmp_path_factory.mktemp("matrix-server")) as server:
        server.stop()
        server.start()
        yield server


@pytest.fixture
def cluster(api_server: ApiServer) -> Iterator[ApiServer]:
    """The session's server, in a namespace of the test."""
    own = api_server.in_new_namespace()
    yield own
    for child in own.children:
        child.end()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[[], ApiServer]]:
    """Makes servers that belong to the test alone."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(serving(tmp_path / f"server-{next(_numbers)}"))


@pytest.fixture
def widget() -> Callable[..., dict[str, Any]]:
    """Makes widgets: ``widget("a", size=3, labels={...})``."""

    def make(name: str, size: int = 1, **metadata: Any) -> dict[str, Any]:
        return {
            "apiVersion": "shop.example.com/v1",
            "kind": "Widget",
            "metadata": {"name": name, **metadata},
            "spec": {"size": size},
        }

    return make
