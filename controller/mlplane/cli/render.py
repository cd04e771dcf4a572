"""``mlplane render``: what manifests would become, without a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from mlplane.cli.options import Image


def render(
    paths: Annotated[list[Path], typer.Argument(help="Files and directories of one environment.")],
    store: Annotated[
        str, typer.Option(envvar="MLPLANE_STORE", help="What store:// stands for.")
    ] = "s3://artifacts",
    image: Image = "",
) -> None:
    """Print the Workflows and InferenceServices that manifests would become, as YAML."""
    import yaml

    from mlplane.api import KINDS
    from mlplane.errors import InvalidInput
    from mlplane.gitops.render import render as rendered
    from mlplane.gitops.validate import manifest_files, read, validate
    from mlplane.settings import DEFAULT_IMAGE, Settings

    errors = [f for f in validate(paths) if f.severity == "error"]
    if errors:
        first = errors[0]
        raise InvalidInput(
            f"{first.file}:{first.line}:{first.column}: {first.message} "
            f"({len(errors)} in all; `mlplane validate` shows them)"
        )
    documents = [document for path in paths for file in manifest_files(path) for document in read(file)[0]]
    ours = [document.body for document in documents if document.body.get("kind") in KINDS]
    for found in rendered(ours, Settings(store=store, image=image or DEFAULT_IMAGE)):
        print(f"---\n# {found.source}{f': {found.note}' if found.note else ''}")
        if found.body is not None:
            print(yaml.safe_dump(found.body, sort_keys=False, width=110), end="")
