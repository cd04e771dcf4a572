"""Where the API server is and how it is told who asks: kubeconfig, or the pod's service account.

The official client's loader is used (and nothing else of it): it knows exec plugins, OIDC and files of every
shape. It costs 0.17 s to import, so it is imported when a connection is made; its asynchronous twin costs
0.5 s more, and the official models twice that again, for nothing that plain JSON over aiohttp does not give.
Called by ``kube.connect``. The loader's own messages may quote a whole user entry, token included: they are
cut before that.
"""

import asyncio
import os
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yarl import URL

from mlplane.errors import InvalidInput

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
REFRESH_S = 60.0
"""How often the loader is asked whether the token is still good."""


@dataclass
class Access:
    """One API server, as one user."""

    server: URL
    namespace: str
    """The namespace that the context names; where a person works."""
    tls: ssl.SSLContext | None
    tls_server_name: str | None
    loaded: Any = field(repr=False)
    """The loader's ``Configuration``; holds the token."""
    _token: str | None = field(default=None, repr=False)
    _asked: float = float("-inf")

    async def headers(self) -> dict[str, str]:
        """The Authorization header, if the user has a token; renewed when its time is over."""
        if time.monotonic() - self._asked > REFRESH_S:
            # In a thread, since an exec plugin may take seconds.
            self._token = await asyncio.to_thread(self.loaded.get_api_key_with_prefix, "BearerToken")
            self._asked = time.monotonic()
        return {"Authorization": self._token} if self._token else {}


def load(kubeconfig: Path | None, context: str | None) -> Access:
    """Find and read the configuration: the file given, $KUBECONFIG, ~/.kube/config, the service account.

    Reads files and may run an exec plugin.

    Raises:
        InvalidInput: There is none, or it is broken.
    """
    from kubernetes import config
    from kubernetes.client import Configuration

    loaded = Configuration()
    file = str(kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [Path(part).expanduser() for part in file.split(os.pathsep) if part]
    where = f"kubeconfig {file}"
    try:
        if any(path.is_file() for path in paths):
            config.load_kube_config(file, context=context, client_configuration=loaded, persist_config=False)
            namespace = _namespace_of_context(file, context)
        elif kubeconfig or context or not SERVICE_ACCOUNT.is_dir():
            raise InvalidInput(f"{where}: no such file; run `mlplane up`, or set KUBECONFIG")
        else:
            where = "service account of this pod"
            config.load_incluster_config(loaded)
            namespace = (SERVICE_ACCOUNT / "namespace").read_text().strip()
        tls = _tls(loaded)
    except InvalidInput:
        raise
    except Exception as error:  # noqa: BLE001 - YAML, key, type and TLS errors, whatever the file holds
        raise InvalidInput(f"{where}: {str(error).partition('{')[0] or type(error).__name__}") from None
    server = URL(loaded.host)
    return Access(server, namespace, tls, loaded.tls_server_name, loaded)


def _namespace_of_context(file: str, context: str | None) -> str:
    from kubernetes import config

    contexts, current = config.list_kube_config_contexts(file)
    chosen = next((c for c in contexts if c["name"] == context), current)
    namespace: str = chosen["context"].get("namespace") or "default"
    return namespace


def _tls(loaded: Any) -> ssl.SSLContext | None:
    if not loaded.host.startswith("https"):
        return None
    tls = ssl.create_default_context(cafile=loaded.ssl_ca_cert)
    if not loaded.verify_ssl:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if loaded.cert_file:
        tls.load_cert_chain(loaded.cert_file, loaded.key_file)
    return tls
