"""``mlplane card``: what a model version is, how good it is, and where it came from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace
from mlplane.cli.storeaccess import StoreUrl

if TYPE_CHECKING:
    from mlplane.cards.markdown import Image
    from mlplane.cards.subject import Subject

CARD = "card.md"


def card(
    version: Annotated[str, typer.Argument(help="Name of the ModelVersion.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Directory for card.md and its plots. Default: print, without plots."
        ),
    ] = None,
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Write the model card of a version: verdict, metrics with intervals, slices, plots and lineage."""
    from mlplane.cards.markdown import card as text_of
    from mlplane.cli.modelversions import subjects

    (subject,) = subjects([version], store, kubeconfig, namespace)
    if output is None:
        _show(text_of(subject, {}))
        return
    output.mkdir(parents=True, exist_ok=True)
    text = text_of(subject, _draw(subject, output))
    (output / CARD).write_text(text, encoding="utf-8")
    typer.echo(f"wrote {output / CARD}")
    for judged in subject.judged:
        if judged.report is None:
            typer.echo(f"warning: Evaluation {judged.evaluation.name}: {judged.problem}", err=True)


def _show(text: str) -> None:
    """In a terminal as it is meant to look; into a file or another program as Markdown."""
    from rich.console import Console

    from mlplane.cli.terminalmarkdown import Page

    console = Console()
    if console.is_terminal:
        console.print(Page(text))
    else:
        typer.echo(text, nl=False)


def _draw(subject: "Subject", folder: Path) -> "dict[tuple[str, str], Image]":
    """Write the plots; those of a second evaluation are numbered."""
    from mlplane.cards.markdown import Image
    from mlplane.cards.plots import plots_of

    images = {}
    for place, judged in enumerate(subject.judged, 1):
        for plot in plots_of(judged.report) if judged.report else ():
            file = f"{plot.name}{f'-{place}' if place > 1 else ''}.svg"
            (folder / file).write_bytes(plot.content)
            images[judged.evaluation.name, plot.name] = Image(file, plot.title)
    return images
