"""A stored model as training leaves it, and real server processes that serve it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

DEADLINE_SECONDS = 60


@dataclass
class Server:
    """A server process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def text(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    def wait_ready(self, name: str = "digits") -> "Server":
        """Wait until it says that it is ready."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.text()
            try:
                if self.client.get(f"/v2/models/{name}/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"not ready: {self.text()}")

    def wait_exit(self) -> int:
        """Wait until it ends; its exit code."""
        return self.process.wait(DEADLINE_SECONDS)


def write_model(directory: Path, module: Any, example: dict[str, Any], names: tuple[str, ...]) -> None:
    """Store a module as ``training`` does."""
    import torch

    directory.mkdir(parents=True)
    batch = torch.export.Dim("batch", min=1, max=64)
    tensors = tuple(example.values())
    program = torch.export.export(module.eval(), tensors, dynamic_shapes=tuple({0: batch} for _ in tensors))
    program._example_inputs = None
    torch.export.save(program, directory / "model.pt2")
    result = module(*tensors)
    outputs = dict(zip(names, result if isinstance(result, tuple) else (result,), strict=True))
    signature = {"inputs": _specs(example), "outputs": _specs(outputs)}
    (directory / "signature.json").write_text(json.dumps(signature))
    sample = {
        "inputs": {name: t.tolist() for name, t in example.items()},
        "outputs": {name: t.tolist() for name, t in outputs.items()},
    }
    (directory / "sample.json").write_text(json.dumps(sample))


def _specs(tensors: dict[str, Any]) -> list[dict[str, Any]]:
    datatypes = {"torch.float32": "FP32", "torch.int64": "INT64"}
    return [
        {"name": name, "datatype": datatypes[str(t.dtype)], "shape": [-1, *t.shape[1:]]}
        for name, t in tensors.items()
    ]


@pytest.fixture(scope="session")
def digits_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 64-64-10 network: ``image`` to ``logits``, a batch of 1 to 64."""
    import torch

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    directory = tmp_path_factory.mktemp("models") / "digits"
    with torch.no_grad():
        write_model(directory, module, {"image": torch.rand(3, 64)}, ("logits",))
    return directory


@pytest.fixture(scope="session")
def pair_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs, ``left`` (numbers) and ``right`` (integers), and two outputs, ``total`` and ``product``."""
    import torch

    class Pair(torch.nn.Module):
        def forward(self, left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return left + right, left * right

    directory = tmp_path_factory.mktemp("models") / "pair"
    example = {"left": torch.rand(2, 2), "right": torch.arange(4).reshape(2, 2)}
    write_model(directory, Pair(), example, ("total", "product"))
    return directory


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends them with the session."""
    servers: list[Server] = []

    def start(directory: Path, *, digest: str | None = None, name: str = "digits") -> Server:
        from mlplane.store.digest import digest_of

        log = tmp_path_factory.mktemp("log") / "server.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {
            **os.environ,
            "MLPLANE_MODEL_DIGEST": digest_of(directory) if digest is None else digest,
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }
        command = [
            sys.executable,
            "-m",
            "mlplane.serving",
            "--model-name",
            name,
            "--model-dir",
            str(directory),
        ]
        with log.open("wb") as stream:
            process = subprocess.Popen(command, env=env, stdout=stream, stderr=subprocess.STDOUT)
        servers.append(Server(process, port, log))
        return servers[-1]

    yield start
    for server in servers:
        server.client.close()
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def digits(digits_model: Path, start_server: Callable[..., Server]) -> Server:
    """A ready server of the digits model; tests leave it as it is."""
    return start_server(digits_model).wait_ready()
