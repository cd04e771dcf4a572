"""``mlplane predict``: send a request to a model server and print its answer."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected, run


def predict(
    server: Annotated[str, typer.Argument(help="Name of the ModelServer.")],
    source: Annotated[
        typer.FileText,
        typer.Option(
            "--input", help='File with the request, such as {"instances": [[…]]}; - is standard input.'
        ),
    ],
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Ask a served model; prints the JSON answer."""
    run(_predict(server, _document(source), kubeconfig, namespace))


def _document(source: typer.FileText) -> Any:
    import json

    from mlplane.errors import InvalidInput

    try:
        document = json.load(source)
    except ValueError as error:
        raise InvalidInput(f"{source.name} is not JSON: {error}") from error
    return {"instances": document} if isinstance(document, list) else document


async def _predict(server: str, document: Any, kubeconfig: Path | None, namespace: str) -> None:
    import asyncio
    import json

    from mlplane.cli.endpoint import ask, path_for

    path = path_for(server, document)
    async with connected(kubeconfig, namespace) as (cluster, chosen):
        url = await address_of(cluster, chosen, server)
    print(json.dumps(await asyncio.to_thread(ask, url, path, document)))


async def address_of(cluster: Any, namespace: str, server: str) -> str:
    """Address of a ModelServer that answers.

    Raises:
        Terminal: It is not there, or it has no address yet; the message says why.
    """
    from mlplane import names
    from mlplane.api.conditions import of
    from mlplane.api.refs import Query
    from mlplane.errors import Terminal

    servers = await cluster.list(Query(names.API_VERSION, "ModelServer", namespace))
    found = next((body for body in servers if body["metadata"]["name"] == server), None)
    if found is None:
        known = ", ".join(sorted(body["metadata"]["name"] for body in servers)) or "none"
        raise Terminal(f'no ModelServer "{server}" in namespace {namespace}; there are: {known}')
    url = (found.get("status") or {}).get("url")
    if not url:
        why = (of(found, names.READY) or {}).get("message", "no controller has looked at it yet")
        raise Terminal(f'ModelServer "{server}" does not answer yet: {why}')
    return str(url)
