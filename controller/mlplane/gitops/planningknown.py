"""What a plan may ask beside manifests, and what stands in for what nobody knows yet. Pure.

Used by ``gitops.planninganswers`` and ``gitops.planningversions``; what a repository and a store know is in
``gitops.planningfacts``.
"""

import hashlib
import json
from typing import Protocol

from mlplane.api.dataset import Split
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import GitSource
from mlplane.tasks import TrainedModel


class Facts(Protocol):
    """What is known outside of manifests; None where it is not."""

    def tree(self, source: GitSource, /) -> str | None:
        """Git tree id of a path at its commit."""

    def splits(self, dataset: PinnedRef, /) -> tuple[Split, ...] | None:
        """The splits of a dataset version that the store has."""

    def trained(self, key: str, /) -> TrainedModel | None:
        """What a run of this key has made before."""


class Nothing:
    """Facts where neither a repository nor a store is at hand."""

    def tree(self, _source: GitSource, /) -> None:
        """Not known."""

    def splits(self, _dataset: PinnedRef, /) -> None:
        """Not known."""

    def trained(self, _key: str, /) -> None:
        """Not known."""


class StandIns(dict[str, str]):
    """Digests and names that stand for others, and in words what each one is."""

    def digest(self, meaning: str, *about: str) -> str:
        """A digest that stands for one that is not known; the same for the same work."""
        digest = "sha256:" + hashlib.sha256(json.dumps(about).encode()).hexdigest()
        self[digest] = meaning
        return digest
