"""``mlplane import``: a model that was exported elsewhere becomes a model version, without a run."""

from pathlib import Path
from typing import Annotated

import typer

from mlplane.cli.connection import Kubeconfig
from mlplane.cli.storeaccess import StoreUrl


def import_(  # noqa: PLR0917  one for each option
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder that mlplane.training.save wrote, or a .pt2 archive of torch.export.save.",
            exists=True,
        ),
    ],
    model: Annotated[str, typer.Option(help="Name of the model.")],
    origin: Annotated[str, typer.Option("--from", help="Where it came from, in your words.")],
    sample: Annotated[
        Path | None,
        typer.Option(help='For an archive: JSON file {"inputs": {"x": [[…]]}}, a few rows of each input.'),
    ] = None,
    output: Annotated[
        list[str] | None, typer.Option(help="For an archive: name of an output, in their order.")
    ] = None,
    license: Annotated[str | None, typer.Option(help="SPDX license expression of the model.")] = None,  # noqa: A002
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Store a model and print its ModelVersion, to be committed; an Evaluation of it may then approve it."""
    import tempfile

    from mlplane.cli.storeaccess import opened
    from mlplane.gitops.modelversion import imported_version
    from mlplane.serving.artifact import load_predictor
    from mlplane.store.digest import digest_of
    from mlplane.training.imported import import_model

    target = opened(store, kubeconfig)
    with tempfile.TemporaryDirectory(prefix="mlplane-") as name:
        folder = Path(name)
        signature = import_model(source, sample, tuple(output or ("output",)), folder)
        digest = digest_of(folder)
        load_predictor(folder, digest)
        text = imported_version(model, digest, signature, origin, license)
        target.put(folder, "models", model)
    typer.echo(text, nl=False)
    typer.echo(
        f"stored in {target.url}; commit what was printed, and an Evaluation of it to have it judged",
        err=True,
    )
