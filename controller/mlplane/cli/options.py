"""Options that several commands have, so that they are called and explained the same."""

from pathlib import Path
from typing import Annotated

import typer

Directory = Annotated[Path, typer.Option("--directory", "-C", help="A directory of the repository.")]
Image = Annotated[str, typer.Option(envvar="MLPLANE_IMAGE", help="Image of steps and predictors.")]
