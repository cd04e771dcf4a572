"""The folder that a local plane lives in: ports, token, kubeconfig, and where each part keeps its files.

``mlplane up`` calls ``State.create``; every process of the plane calls ``State.load``. Files that hold
the token are readable by their owner only; files are replaced whole, so that a crash leaves the old one
or the new one.
"""

import base64
import json
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from mlplane.errors import InvalidInput
from mlplane.local.files import write_atomic, write_once

CONTEXT = "mlplane"
"""Name of the context, the cluster and the user in the kubeconfig."""
NAMESPACE = "default"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class State:
    """A state folder. ``root`` is absolute; the other members are paths in it or values read from it."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Self:
        """The state in ``root``, with whatever is missing made; what is there stays.

        Raises:
            InvalidInput: The folder cannot be used, or holds something else or something broken.
        """
        state = cls(root.expanduser().absolute())
        try:
            state.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (state.database.parent, state.store, state.pods, state.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
            write_once(state.plane_file, json.dumps(_choose_ports()), 0o600)
            write_once(state.token_file, secrets.token_urlsafe(32), 0o600)
            write_once(state.gitconfig, "", 0o600)
            state._make_certificate()
            state._write_kubeconfig(state.kubeconfig, state.token)
        except OSError as error:
            raise InvalidInput(f"{state.root}: cannot keep the state of a plane here: {error}") from error
        return state

    @classmethod
    def load(cls, root: Path) -> Self:
        """The state that is in ``root``.

        Raises:
            InvalidInput: There is none, or it is broken.
        """
        state = cls(root.expanduser().absolute())
        for file in (state.plane_file, state.token_file, state.kubeconfig):
            if not file.is_file():
                raise InvalidInput(
                    f"{state.root}: not the state of a plane: {file.name} is missing; run `mlplane up` first"
                )
        state._ports()
        return state

    @property
    def plane_file(self) -> Path:
        """JSON with the ports, chosen once."""
        return self.root / "plane.json"

    @property
    def token_file(self) -> Path:
        """The bearer token of the API server, owner-readable."""
        return self.root / "token"

    @property
    def kubeconfig(self) -> Path:
        """For kubectl and every client; holds the token, owner-readable."""
        return self.root / "kubeconfig"

    @property
    def database(self) -> Path:
        """SQLite database of the API server."""
        return self.root / "apiserver" / "state.db"

    @property
    def certificate(self) -> Path:
        """The API server's certificate, its own authority. kubectl sends a token over TLS only."""
        return self.database.parent / "tls.crt"

    @property
    def private_key(self) -> Path:
        """The key of the certificate, owner-readable."""
        return self.database.parent / "tls.key"

    @property
    def store(self) -> Path:
        """The artifact store."""
        return self.root / "store"

    @property
    def store_url(self) -> str:
        """The artifact store as an fsspec URL, for ``MLPLANE_STORE``."""
        return f"file://{self.store}"

    @property
    def gitconfig(self) -> Path:
        """Content of the ConfigMap ``mlplane-git``: where git repositories are really fetched from."""
        return self.root / "gitconfig"

    @property
    def logs(self) -> Path:
        """One log file for each process of the plane."""
        return self.root / "logs"

    def log(self, process: str) -> Path:
        """Log file of a process: apiserver, controller or engines."""
        return self.logs / f"{process}.log"

    @property
    def pods(self) -> Path:
        """One folder for each pod, named by its uid."""
        return self.root / "pods"

    def pod(self, uid: str) -> Path:
        """Folder of a pod."""
        return self.pods / uid

    @property
    def controller_kubeconfig(self) -> Path:
        """For the controller alone: with a token of its service account, owner-readable."""
        return self.root / "controller.kubeconfig"

    def lock_of(self, process: str) -> Path:
        """Locked by a process of the plane for as long as it lives: apiserver, controller or engines."""
        return self.root / f"{process}.lock"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor that runs the plane; holds its process id."""
        return self.root / "lock"

    @property
    def token(self) -> str:
        """The bearer token of the API server."""
        return self.token_file.read_text().strip()

    @property
    def api_port(self) -> int:
        """Port of the API server on 127.0.0.1."""
        return self._ports()["apiPort"]

    @property
    def gateway_port(self) -> int:
        """Port of the inference gateway on 127.0.0.1."""
        return self._ports()["gatewayPort"]

    @property
    def api_url(self) -> str:
        """Address of the API server."""
        return f"https://{HOST}:{self.api_port}"

    def _ports(self) -> dict[str, int]:
        text = self.plane_file.read_text()
        try:
            found: Any = json.loads(text)
        except ValueError:
            found = None
        names = ("apiPort", "gatewayPort")
        if not isinstance(found, dict) or not all(_is_port(found.get(name)) for name in names):
            raise InvalidInput(
                f"{self.plane_file}: found {text[:100]!r}, expected a JSON object with apiPort and "
                "gatewayPort between 1 and 65535; remove the file to have ports chosen again"
            )
        return {name: found[name] for name in names}

    def _make_certificate(self) -> None:
        if not (self.certificate.is_file() and self.private_key.is_file()):
            from mlplane.local.apiserver import certificates

            certificates.create(self.certificate, self.private_key)

    def write_controller_kubeconfig(self, token: str) -> None:
        """Let the controller in with a token."""
        self._write_kubeconfig(self.controller_kubeconfig, token)

    def _write_kubeconfig(self, path: Path, token: str) -> None:
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        content = yaml.safe_dump(_kubeconfig(self.api_url, authority, token), sort_keys=False)
        if not path.is_file() or path.read_text() != content:
            write_atomic(path, content, 0o600)


def _choose_ports() -> dict[str, int]:
    """Two free ports; both are held until both are known, so that they differ."""
    with socket.socket() as api, socket.socket() as gateway:
        for each in (api, gateway):
            each.bind((HOST, 0))
        return {"apiPort": api.getsockname()[1], "gatewayPort": gateway.getsockname()[1]}


def _is_port(value: object) -> bool:
    return type(value) is int and 1 <= value <= 65535


def _kubeconfig(server: str, authority: str, token: str) -> dict[str, Any]:
    cluster = {"server": server, "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [
            {"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": NAMESPACE}}
        ],
        "current-context": CONTEXT,
    }
