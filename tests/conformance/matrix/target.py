"""The server that is asked: its address, and the three clients for it, as ``admin`` or by token."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import kubernetes
import urllib3

from background import Background

BIN = Path(sys.executable).parent


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Any
    data: bytes

    @property
    def body(self) -> Any:
        """The JSON; an empty object if it is none."""
        try:
            return json.loads(self.data)
        except ValueError:
            return {}


@dataclass
class Target:
    """One API server and a home folder for the clients."""

    kubeconfig: Path
    home: Path
    patience: float
    """Seconds that a state may take to come. A real cluster looks for new kinds' garbage every 30 s."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def operator_log(self) -> Path:
        """What the Kopf operator has said."""
        return self.home / "operator.log"

    @cached_property
    def environment(self) -> dict[str, str]:
        """A person's environment that knows nothing but this server."""
        kept = {k: v for k, v in os.environ.items() if k in ("LANG", "TMPDIR", "PYTHONPATH")}
        return kept | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.home / "cache"),
        }

    def kubectl(
        self, *arguments: str, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl to its end."""
        return subprocess.run(
            ["kubectl", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=150,
            check=False,
        )

    def background(self, *arguments: str) -> Background:
        """A kubectl that goes on."""
        return Background(["kubectl", *arguments], self.environment)

    @cached_property
    def configuration(self) -> kubernetes.client.Configuration:
        """For the Python client."""
        with self._lock:
            configuration = kubernetes.client.Configuration()
            kubernetes.config.load_kube_config(str(self.kubeconfig), client_configuration=configuration)
            return configuration

    @cached_property
    def api_client(self) -> kubernetes.client.ApiClient:
        """The Python client."""
        return kubernetes.client.ApiClient(self.configuration)

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(
            maxsize=16, ca_certs=self.configuration.ssl_ca_cert, timeout=60, retries=False
        )

    def http(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        token: str = "",
    ) -> Answer:
        """One request; a body that is no text is sent as JSON."""
        admin = self.configuration.auth_settings()["BearerToken"]["value"]
        authorization = f"Bearer {token}" if token else admin
        own = {"Authorization": authorization, "User-Agent": "matrix/1", "Accept": "application/json"}
        if body is not None:
            own["Content-Type"] = "application/json"
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        url = self.configuration.host + path
        found = self._pool.request(method, url, body=data, headers=own | (headers or {}))
        return Answer(found.status, found.headers, found.data)
