"""Which environment of which repository a file belongs to. Called by ``gitops.validate``."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlplane.api.promotion import Environment, Promotion
from mlplane.gitops.environments import FILE, environment_of, examine, root_of
from mlplane.gitops.findings import Finding


class Group(NamedTuple):
    """What is judged together."""

    root: Path | None
    """Folder of the ``promotion.yaml``; None where there is none, and all files are one environment."""
    environment: Environment | None
    """None with a root: outside of all environments, where nothing belongs together."""

    @property
    def is_together(self) -> bool:
        """Whether objects of the group refer to each other."""
        return self.root is None or self.environment is not None


class Repositories:
    """The ``promotion.yaml`` of each repository that files come from, read once."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        """What is wrong with these files themselves."""
        self._roots: dict[Path, Path | None] = {}
        self._promotions: dict[Path, Promotion | None] = {}

    def group_of(self, file: Path) -> Group:
        """The group of a file or a directory."""
        folder = file if file.is_dir() else file.parent
        if folder not in self._roots:
            self._roots[folder] = root_of(folder)
        root = self._roots[folder]
        if root is None:
            return Group(None, None)
        promotion = self._promotion(root)
        relative = PurePosixPath(file.absolute().relative_to(root))
        return Group(root, environment_of(promotion, relative) if promotion else None)

    def has(self, file: Path) -> bool:
        """Whether a file is one of those that are read here."""
        return file.name == FILE and self.group_of(file).root == file.absolute().parent

    def _promotion(self, root: Path) -> Promotion | None:
        if root not in self._promotions:
            self._promotions[root], found = examine(root)
            self.findings += found
        return self._promotions[root]
