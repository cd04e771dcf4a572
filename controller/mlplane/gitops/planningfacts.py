"""What a repository and a store know of runs and data: the facts that a plan is made with.

Reads only. Called by ``cli.plan``.
"""

import tempfile
from pathlib import Path

from mlplane.api.dataset import Split
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import GitSource
from mlplane.errors import Terminal
from mlplane.gitops import git
from mlplane.gitops.pins import identity
from mlplane.steps.versions import DOCUMENT, DatasetVersion, version_uri
from mlplane.steps.workspace import trained_model
from mlplane.store.artifacts import Store
from mlplane.tasks import TrainedModel


class Repository:
    """Facts of a repository, and of a store where one is given."""

    def __init__(self, repo: Path, store: Store | None) -> None:
        """``repo`` is asked only for its own content: nothing is fetched."""
        self._repo = repo
        self._store = store
        self._own = {identity(url) for url in git.remote_urls(repo)}

    def tree(self, source: GitSource, /) -> str | None:
        """Git tree id of a path at its commit; None if that is of another repository, or not here."""
        if identity(source.url) not in self._own:
            return None
        try:
            return git.tree_id(self._repo, source.path, source.commit)
        except Terminal:
            return None

    def splits(self, dataset: PinnedRef, /) -> tuple[Split, ...] | None:
        """The splits of a dataset version; None if the store does not have it."""
        if self._store is None or not self._store.exists(version_uri(dataset)):
            return None
        with tempfile.TemporaryDirectory() as folder:
            self._store.get(version_uri(dataset), Path(folder), only={DOCUMENT})
            return DatasetVersion.read(Path(folder)).splits

    def trained(self, key: str, /) -> TrainedModel | None:
        """What a run of this key has made before; None if the store has nothing of it."""
        return trained_model(self._store, key) if self._store else None
