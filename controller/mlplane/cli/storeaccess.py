"""Where a command finds the store: ``--store``, $MLPLANE_STORE, or the store of the plane that it talks to.

A plane of this machine keeps its store beside its kubeconfig. What a cluster's store is, its operator says.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import found

if TYPE_CHECKING:
    from mlplane.store.artifacts import Store

StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        help="URL of the store, such as s3://bucket/prefix. Default: $MLPLANE_STORE, then a plane's here.",
    ),
]


def opened(url: str, kubeconfig: Path | None = None) -> "Store":
    """The store to work on.

    Args:
        url: What ``--store`` says; empty where it is not given.
        kubeconfig: What ``--kubeconfig`` says.

    Raises:
        InvalidInput: nothing says where the store is.
    """
    from mlplane import names
    from mlplane.errors import InvalidInput
    from mlplane.store.artifacts import Store

    known = url or os.environ.get(names.STORE_ENV) or _of_a_plane(kubeconfig)
    if not known:
        raise InvalidInput(
            f"no store is known: give --store, or set {names.STORE_ENV}, to the URL that the operator of the "
            "cluster has set for mlplane, such as s3://bucket/prefix"
        )
    return Store(known)


def _of_a_plane(kubeconfig: Path | None) -> str:
    named = found(kubeconfig) or Path(os.environ.get("KUBECONFIG", ""))
    store = named.absolute().parent / "store"
    return f"file://{store}" if named.name == "kubeconfig" and store.is_dir() else ""
