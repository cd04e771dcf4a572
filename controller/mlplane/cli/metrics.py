"""``mlplane metrics``: the curves of a training, while it runs and for as long as the store has them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected, run
from mlplane.cli.storeaccess import StoreUrl

if TYPE_CHECKING:
    from mlplane.api.meta import Body
    from mlplane.api.refs import Ref
    from mlplane.cli.curves import Curves
    from mlplane.cluster.kube import KubeCluster


def metrics(
    name: Annotated[str, typer.Argument(help="A TrainingRun.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    trial: Annotated[int | None, typer.Option(min=1, help="Of this trial of a sweep.")] = None,
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Draw what a run has reported, one curve for each metric; of a sweep, the table of its trials.

    Where the output is no terminal, each step is a line of JSON.
    """
    run(_metrics(name, follow, trial, store, kubeconfig, namespace))


async def _metrics(
    name: str, follow: bool, trial: int | None, store: str, kubeconfig: Path | None, namespace: str
) -> None:
    from mlplane import names
    from mlplane.api.refs import Ref
    from mlplane.cli.metriclines import check_trial, found, has_ended, key_of, logged, stored

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        ref = Ref(names.API_VERSION, "TrainingRun", chosen, name)
        body = await found(cluster, ref)
        if trial is not None:
            check_trial(body, trial)
        elif body["spec"].get("sweep"):
            _show_trials(body)
            return
        if follow and not has_ended(body):
            await _follow(cluster, ref, trial)
            return
        # What the store keeps is whole; the logs of a training that went on begin in its middle.
        curves = stored(key_of(body, trial), store, kubeconfig)
        _show(curves if curves.series else await logged(cluster, body, trial), body)


async def _follow(cluster: "KubeCluster", ref: "Ref", trial: int | None) -> None:
    from rich.console import Console
    from rich.live import Live

    from mlplane.cli.curves import drawn
    from mlplane.cli.metriclines import followed

    console, told = Console(), set[str]()
    if not console.is_terminal:
        async for curves in followed(cluster, ref, trial):
            for line in curves.news(told):
                print(line, flush=True)
        return
    with Live("waiting for the first metrics …", console=console, auto_refresh=False) as live:
        async for curves in followed(cluster, ref, trial):
            live.update(drawn(curves, console.width), refresh=True)


def _show(curves: "Curves", body: "Body") -> None:
    import json

    from rich.console import Console

    from mlplane.cli.curves import drawn

    console = Console(highlight=False)
    if not curves.series:
        name = body["metadata"]["name"]
        typer.secho(
            f"{name} has reported no metrics yet; a script reports them by mlplane.training.metrics()",
            err=True,
            dim=True,
        )
    elif console.is_terminal:
        console.print(drawn(curves, console.width))
    else:
        for row in curves.rows():
            print(json.dumps(row))


def _show_trials(body: "Body") -> None:
    import json

    from rich.console import Console

    from mlplane.cli.trials import table_of, trials_of

    console = Console(highlight=False)
    if not console.is_terminal:
        for trial in trials_of(body):
            print(json.dumps(trial))
        return
    console.print(table_of(body))
    console.print(f"curves of one: mlplane metrics {body['metadata']['name']} --trial N", style="dim")
