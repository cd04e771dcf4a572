"""Where the cluster and the store are, for a person at a terminal or in a notebook.

The cluster: what is named, $KUBECONFIG, a plane that was started in this directory, or Kubernetes' own rules.
The store: what is named, $MLPLANE_STORE, or that of a plane of this machine, which lies beside its
kubeconfig; what a cluster's store is, its operator says. Called by the commands and by ``mlplane.load``.
"""

import os
from pathlib import Path

from mlplane import names
from mlplane.errors import InvalidInput

STATE = Path(".mlplane")
"""State folder of a plane that was started in this directory."""


def found(kubeconfig: Path | None) -> Path | None:
    """The kubeconfig to use; None where Kubernetes' own rules decide."""
    if kubeconfig or os.environ.get("KUBECONFIG"):
        return kubeconfig
    own = STATE / "kubeconfig"
    return own if own.is_file() else None


def store_url(named: str, kubeconfig: Path | None, *, give: str) -> str:
    """The URL of the store to work on.

    Args:
        named: What the person says; empty where nothing is said.
        kubeconfig: What the person says of the cluster.
        give: What else could be done to name a store, for the message; such as ``give --store, or``.

    Raises:
        InvalidInput: nothing says where the store is.
    """
    known = named or os.environ.get(names.STORE_ENV) or _of_a_plane(kubeconfig)
    if not known:
        raise InvalidInput(
            f"no store is known: {give}set {names.STORE_ENV}, to the URL that the operator of the "
            "cluster has set for mlplane, such as s3://bucket/prefix"
        )
    return known


def _of_a_plane(kubeconfig: Path | None) -> str:
    named = found(kubeconfig) or Path(os.environ.get("KUBECONFIG", ""))
    store = named.absolute().parent / "store"
    return f"file://{store}" if named.name == "kubeconfig" and store.is_dir() else ""
