"""Runs that no pool of the operator's profile can ever take. Pure; called by ``gitops.validate``."""

from collections.abc import Iterator, Sequence

from mlplane.api import TrainingRun
from mlplane.api.pools import shortage
from mlplane.capacity import Profile
from mlplane.gitops.findings import Finding, at, closest
from mlplane.gitops.manifest import Document


def capacity_findings(documents: Sequence[Document], profile: Profile) -> Iterator[Finding]:
    """One for each run that asks for more than there is, at the field that says so.

    Args:
        documents: Objects whose schema is right.
        profile: The machines that they are for.
    """
    for document in documents:
        if document.body["kind"] == TrainingRun.__name__:
            yield from _of_run(document, profile)


def _of_run(document: Document, profile: Profile) -> Iterator[Finding]:
    spec = TrainingRun.model_validate(document.body).spec
    if not (lacking := shortage(spec, profile)):
        return
    types = sorted({pool.gpu_type for pool in profile.pools if pool.gpu_type})
    if spec.gpu_type and spec.gpu_type not in types:
        meant = closest(spec.gpu_type, types)
        yield at(document, ("spec", "gpuType"), lacking, allowed=types, suggestion=meant)
    else:
        yield at(document, ("spec", "gpus"), lacking)
