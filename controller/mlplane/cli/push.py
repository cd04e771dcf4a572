"""``mlplane push``: files of this machine go into the store, for a Dataset to read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.storeaccess import StoreUrl, opened

if TYPE_CHECKING:
    from mlplane.store.artifacts import Store

KIND = "uploads"


def push(
    path: Annotated[Path, typer.Argument(help="File or directory.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="store://uploads/NAME", show_default=False)],
    store: StoreUrl = "",
) -> None:
    """Store a file or a directory; prints the URI that a Dataset names it by."""
    from mlplane.errors import InvalidInput
    from mlplane.store.digest import MANIFEST

    name = _name(target)
    if not path.exists():
        raise InvalidInput(f"{path} is not there")
    if path.is_symlink() or (path / MANIFEST).exists():
        what = (
            "a link" if path.is_symlink() else f"a directory with a {MANIFEST}, which is the store's own name"
        )
        raise InvalidInput(f"{path} is {what}; push something else")
    uri = _put(opened(store), path, name)
    typer.echo(uri)
    typer.echo(f"write into the Dataset:\n\n  source:\n    store:\n      uri: {uri}", err=True)


def _put(store: "Store", path: Path, name: str) -> str:
    """Store it, with a bar where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    total = sum(file.stat().st_size for file in files)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(path.name or str(path), total=total)
        return store.put(path, KIND, name, on_bytes=lambda size: progress.advance(task, size))


def _name(target: str) -> str:
    from mlplane.errors import InvalidInput
    from mlplane.store.uris import SCHEME, uri_of

    name = target.removeprefix(f"{SCHEME}{KIND}/")
    try:
        uri_of(KIND, name, "sha256:" + "0" * 64)
    except InvalidInput:
        name = target
    if name == target:
        raise InvalidInput(
            f"{target!r} is no place for an upload; expected {SCHEME}{KIND}/NAME, with a name of small "
            "letters, digits and '-'"
        )
    return name
