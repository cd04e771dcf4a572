"""A new repository from a template: files, the identity of the repository, a first commit and its pins.

What every repository has (environments, CI, owners) lies in ``gitops/repository``; a template adds its own.
Called by ``cli.init`` and ``cli.demo``.
"""

import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pydantic import ValidationError

import mlplane
from mlplane.api.meta import GitSource
from mlplane.errors import InvalidInput
from mlplane.gitops import git
from mlplane.gitops.editorschemas import schema_files, with_schema
from mlplane.gitops.lock import SUFFIXES, lock_commit
from mlplane.gitops.pins import UNPINNED, identity, pins, replaced

_PACKAGE = Path(mlplane.__file__).parent
_COMMON = Path(__file__).parent / "repository"
_IGNORED = shutil.ignore_patterns("__pycache__", ".git", ".mlplane", ".DS_Store")


def templates() -> dict[str, Path]:
    """Name and folder of each template: of the package, or ``examples/`` in a source checkout."""
    places = (_PACKAGE / "templates", _PACKAGE.parents[1] / "examples")
    folder = next((place for place in places if place.is_dir()), None)
    found = sorted(folder.iterdir()) if folder else []
    return {place.name: place for place in found if place.is_dir()}


def default_url(directory: Path) -> str:
    """Identity of a repository that has no home yet."""
    return f"https://git.example.com/team/{quote(directory.resolve().name)}.git"


def init(directory: Path, template: str, url: str) -> str:
    """Make a repository of a template in a directory that is empty or not there; returns the last commit.

    Everything that was written is removed again if anything fails or the command is interrupted.

    Raises:
        InvalidInput: There is no such template, something is in the directory, or manifests cannot name the
            address. The message does not hold it: it may hold a password.
    """
    known = templates()
    _require_address(url)
    if template not in known:
        raise InvalidInput(f"there is no template {template!r}; there are: {', '.join(known) or 'none'}")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InvalidInput(f"{directory} exists and is not empty: name another directory")
    existed = directory.exists()
    try:
        return _fill(directory, known[template], url)
    except BaseException:
        _remove(directory, keep=existed)
        raise


def _require_address(url: str) -> None:
    try:
        GitSource(url=url, path="train", commit=UNPINNED)
    except ValidationError:
        raise InvalidInput(
            "manifests cannot name this address of the repository: give --url as "
            "https://HOST/OWNER/NAME.git or ssh://git@HOST/OWNER/NAME.git, with no password in it"
        ) from None


def _fill(directory: Path, template: Path, url: str) -> str:
    _fill_common(directory, url)
    common = (directory / "README.md").read_bytes()
    shutil.copytree(template, directory, ignore=_IGNORED, dirs_exist_ok=True)
    own = template / "README.md"
    title = own.read_bytes() if own.exists() else f"# {template.name}\n".encode()
    (directory / "README.md").write_bytes(title + common)
    for file in (path for suffix in SUFFIXES for path in directory.rglob(f"*{suffix}")):
        text = file.read_bytes().decode()
        new = {pin.url: url for pin in pins(text, str(file))}
        inside = PurePosixPath(file.relative_to(directory))
        file.write_bytes(with_schema(replaced(text, new), inside).encode())
    git.init(directory, url)
    first = git.commit(directory, f"Start from the template {template.name}", ["."])
    _, pinned = lock_commit(directory)
    return pinned or first


def _fill_common(directory: Path, url: str) -> None:
    """What every repository has, for this version of mlplane and this address."""
    shutil.copytree(_COMMON, directory, ignore=_IGNORED, dirs_exist_ok=True)
    owner = identity(url).split("/")[1] or "owner"
    for file in (path for path in directory.rglob("*") if path.is_file()):
        text = file.read_bytes().decode()
        text = text.replace("@VERSION@", mlplane.__version__).replace("@OWNER@", f"@{owner}")
        file.write_bytes(text.encode())
    for name, text in schema_files().items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)


def _remove(directory: Path, *, keep: bool) -> None:
    if not keep:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for child in directory.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            child.unlink()
