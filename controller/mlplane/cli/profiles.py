"""``mlplane profile``: what the columns of a dataset version hold."""

from pathlib import Path
from typing import Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected
from mlplane.cli.storeaccess import StoreUrl, opened


def profile(
    name: Annotated[str, typer.Argument(help="Name of the Dataset.")],
    digest: Annotated[
        str, typer.Option("--digest", help="Version, sha256:…. Default: the newest one that is Ready.")
    ] = "",
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Show what the columns of a dataset hold: each with a small plot."""
    import asyncio

    from pydantic import ValidationError
    from rich.console import Console

    from mlplane.api.judgement import PinnedRef
    from mlplane.cli.profiletable import table
    from mlplane.data.profiles import read_profile
    from mlplane.errors import InvalidInput

    found = digest or asyncio.run(_newest(name, kubeconfig, namespace))
    try:
        version = PinnedRef(name=name, digest=found)
    except ValidationError as error:
        raise InvalidInput(
            f"{name} {found}: expected the name of a Dataset and sha256:<64 hex digits>"
        ) from error
    profile = read_profile(opened(store, kubeconfig), version)
    Console(highlight=False).print(table(version, profile))


async def _newest(name: str, kubeconfig: Path | None, namespace: str) -> str:
    """Digest of the version that a Dataset's status names."""
    from mlplane import names
    from mlplane.api.conditions import of
    from mlplane.api.refs import Ref
    from mlplane.errors import Terminal

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        body = await cluster.get(Ref(names.API_VERSION, "Dataset", chosen, name))
    if body is None:
        raise Terminal(f'no Dataset "{name}" in namespace {chosen}; `mlplane status` shows what there is')
    found = (body.get("status") or {}).get("digest")
    if not found:
        why = (of(body, names.READY) or {}).get("message", "no controller has looked at it yet")
        raise Terminal(f'Dataset "{name}" has no version yet: {why}')
    return str(found)
