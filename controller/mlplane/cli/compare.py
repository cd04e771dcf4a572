"""``mlplane compare``: two model versions side by side."""

from typing import Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace
from mlplane.cli.storeaccess import StoreUrl

WIDE = 200
"""Columns where there is no terminal: what is broken into lines could not be searched."""


def compare(
    first: Annotated[str, typer.Argument(help="Name of a ModelVersion, A.", metavar="A")],
    second: Annotated[str, typer.Argument(help="Name of another one, B.", metavar="B")],
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Compare two versions: gates, metrics and slices as far as the data are the same, and their origin."""
    from rich.console import Console

    from mlplane.cards.compare import compare as compared
    from mlplane.cli.comparetable import comparison
    from mlplane.cli.modelversions import subjects

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(comparison(compared(*subjects([first, second], store, kubeconfig, namespace))))
