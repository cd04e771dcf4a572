"""Which version would come of reading a Dataset: the one that is known for the same source, or a stand-in.

Pure but for the facts. Called by ``gitops.planninganswers``.
"""

import json

from pydantic import ValidationError

from mlplane.api import Body, Dataset
from mlplane.api.dataset import ResolvedInput, Split
from mlplane.api.judgement import PinnedRef
from mlplane.gitops.planningknown import Facts, StandIns
from mlplane.reconcilers.datasets import version_of
from mlplane.reconcilers.recipes import ingredients
from mlplane.store.uris import uri_of
from mlplane.tasks import IngestResult

_NOT_IN_DIGEST = ("checks",)
"""Ingredients of a version that decide whether it may be used, and not what it is."""


class Versions:
    """The versions of Datasets, as far as they are known."""

    def __init__(self, facts: Facts, stand_ins: StandIns) -> None:
        """``stand_ins`` gets what has to be made up."""
        self._facts = facts
        self._stand_ins = stand_ins
        self._digests: dict[str, str] = {}
        self._readings: dict[str, Body] = {}

    def know(self, dataset: Body) -> None:
        """Remember the version that a Dataset has: what would be read from the same source is the same."""
        try:
            found = Dataset.model_validate(dataset | {"status": version_of(dataset).to_body()})
        except ValidationError:
            return  # its own conditions say what is wrong with it
        if found.status.digest:
            self._digests[_identity(found, found.status.inputs)] = found.status.digest
            self._readings[found.status.digest] = _reading(found)

    def read(self, dataset: Dataset, inputs: tuple[ResolvedInput, ...]) -> IngestResult:
        """What the step ``ingest`` answers once it has read the source; ``inputs`` of one that is derived."""
        digest = self._digest(dataset, inputs)
        pinned = PinnedRef(name=dataset.name, digest=digest)
        splits = None if digest in self._stand_ins else self._facts.splits(pinned)
        return IngestResult(
            digest=digest,
            uri=uri_of("datasets", dataset.name, digest),
            rows=sum(split.rows for split in splits or ()),
            files=0,
            bytes=0,
            splits=splits or tuple(self._split(dataset, digest, s.name) for s in dataset.spec.splits),
        )

    def _digest(self, dataset: Dataset, inputs: tuple[ResolvedInput, ...]) -> str:
        pinned, identity = dataset.spec.digest, _identity(dataset, inputs)
        # Bytes may be what a pin says wherever they lie now; read in another way they never are.
        if pinned and self._readings.get(pinned, _reading(dataset)) == _reading(dataset):
            return pinned
        meaning = f'the digest of Dataset "{dataset.name}", which is not read yet'
        return self._digests.get(identity) or self._stand_ins.digest(meaning, identity)

    def _split(self, dataset: Dataset, digest: str, name: str) -> Split:
        meaning = f'the digest of split "{name}" of Dataset "{dataset.name}"'
        return Split(name=name, digest=self._stand_ins.digest(meaning, digest, name), rows=0)


def _identity(dataset: Dataset, inputs: tuple[ResolvedInput, ...]) -> str:
    """All that a version's digest follows from, where the source holds the same bytes."""
    body = {k: v for k, v in ingredients(dataset.spec).items() if k not in _NOT_IN_DIGEST}
    return json.dumps([dataset.name, body, [parent.to_body() for parent in inputs]], sort_keys=True)


def _reading(dataset: Dataset) -> Body:
    """How the bytes are read and divided, which is part of the digest."""
    body = ingredients(dataset.spec)
    return {k: v for k, v in body.items() if k not in (*_NOT_IN_DIGEST, "source", "derivedFrom")}
