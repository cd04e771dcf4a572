"""What cannot be meant by the sweep of a TrainingRun. Called by ``gitops.validate``, before a commit."""

import re
from collections.abc import Iterator

from mlplane.api.sweep import Sweep
from mlplane.errors import InvalidInput
from mlplane.gitops.findings import Finding, at
from mlplane.gitops.manifest import Document
from mlplane.sweeps import trials_of


def sweep_findings(document: Document) -> Iterator[Finding]:
    """The first fault of a sweep, where it is written."""
    spec = document.body["spec"]
    if document.body["kind"] != "TrainingRun" or "sweep" not in spec:
        return
    try:
        trials_of(Sweep.model_validate(spec["sweep"]), spec.get("seed", 0))
    except InvalidInput as error:
        field, _, sentence = str(error).partition(": ")
        steps = re.findall(r"[^.\[\]]+", field)
        yield at(document, tuple(int(step) if step.isdigit() else step for step in steps), sentence)
