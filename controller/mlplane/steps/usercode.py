"""The user's code as steps see it: from git, copied to a directory of the step, or in the image, where it is.

Called by ``steps.preflight``, which reads some of its files, and ``steps.train``, which runs it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from mlplane.api.usercode import UserCode
from mlplane.errors import InvalidInput
from mlplane.steps.gitrepo import Entry, Repository, fetch
from mlplane.steps.workspace import Workspace


class Code(Protocol):
    """A directory with a user's code."""

    @property
    def identity(self) -> str:
        """What stands for its content in a run key."""

    @property
    def tree(self) -> str | None:
        """Git tree id of it; None if it does not come from git."""

    @property
    def where(self) -> str:
        """What a message calls it."""

    @property
    def field(self) -> str:
        """The field of the TrainingRun that paths are relative to."""

    def read(self, path: str) -> bytes | None:
        """The content of a file, by its path relative to the directory; None if there is no such file."""

    def listing(self, path: str) -> frozenset[str]:
        """Names of the files and directories in a directory of it; ``""`` is the directory itself."""

    def provide(self) -> Path:
        """The directory itself, with its files."""


@dataclass(frozen=True)
class _FromGit:
    repository: Repository
    target: Path
    field: str = "spec.code.git.path"

    @property
    def identity(self) -> str:
        return self.repository.tree_id()

    @property
    def tree(self) -> str | None:
        return self.identity

    @property
    def where(self) -> str:
        return f"{self.repository.source.path} at commit {self.repository.source.commit}"

    def read(self, path: str) -> bytes | None:
        entry = self._entries.get(path)
        return entry and self.repository.read(entry)

    def listing(self, path: str) -> frozenset[str]:
        prefix = f"{path}/" if path else ""
        return frozenset(
            name[len(prefix) :].partition("/")[0] for name in self._entries if name.startswith(prefix)
        )

    def provide(self) -> Path:
        self.target.mkdir(parents=True, exist_ok=True)
        self.repository.extract(self.target)
        return self.target

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.repository.files()}


@dataclass(frozen=True)
class _InImage:
    root: Path
    tree: None = None
    field: str = "spec.code.image.path"

    @property
    def identity(self) -> str:
        # The digest of the image, which is in the key too, stands for the content.
        return f"image:{self.root}"

    @property
    def where(self) -> str:
        return f"{self.root} of the image"

    def read(self, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    def listing(self, path: str) -> frozenset[str]:
        folder = self.root / path
        return frozenset(entry.name for entry in folder.iterdir()) if folder.is_dir() else frozenset()

    def provide(self) -> Path:
        return self.root


def code_of(code: UserCode, workspace: Workspace) -> Code:
    """The code of a run; what is in git is fetched, but not yet copied to files.

    Raises:
        InvalidInput: there is no such code.
        Terminal, Transient: git fails.
    """
    if code.git is not None:
        return _FromGit(fetch(code.git, workspace.directory("repository")), workspace.root / "code")
    if code.image is None:
        raise InvalidInput("spec.code names neither git nor image; give one of them")
    root = Path(code.image.path)
    if not root.is_dir():
        raise InvalidInput(
            f"spec.code.image.path {root} is no directory of the image that the run names in spec.image; "
            "name one that is, or build it into the image"
        )
    return _InImage(root)
