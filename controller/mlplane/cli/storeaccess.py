"""The store of a command: ``--store``, $MLPLANE_STORE, or the store of the plane that it talks to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from mlplane.store.artifacts import Store
    from mlplane.whereabouts import store_url

    return Store(store_url(url, kubeconfig, give="give --store, or "))
