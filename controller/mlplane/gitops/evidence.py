"""Whether what a promotion rests on is what the store holds: the reports of evaluations, the model's files.

As the step ``verify`` does it on a cluster. Called by ``gitops.promoting``, ``gitops.promotionchecks`` and
``mlplane rollback --check``.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlplane.api import Evaluation, ModelVersion
from mlplane.errors import Terminal
from mlplane.gitops.promotiongates import Gate, failed, passed
from mlplane.steps.judging.gates import overall
from mlplane.steps.reports import read_report
from mlplane.steps.verify import finding_of
from mlplane.store.artifacts import Store
from mlplane.tasks import VerifyTask


def problems_of(version: ModelVersion, evaluations: Sequence[Evaluation], store: Store | None) -> list[str]:
    """What is wrong with what is recorded of a version, each with the field; empty if nothing is.

    Args:
        version: The version.
        evaluations: Evaluations of it with ``spec.recorded``.
        store: Where the reports are; without it only what a record says of itself is compared.

    Raises:
        Transient: The store fails.
    """
    return [problem for each in evaluations for problem in _problems(version, each, store)]


def _problems(version: ModelVersion, evaluation: Evaluation, store: Store | None) -> Iterator[str]:
    spec, name = evaluation.spec, evaluation.name
    if spec.model_version.digest != version.spec.artifact.digest:
        yield f"{name}: spec.modelVersion.digest is not that of {version.name}"
        return
    recorded = spec.recorded
    if recorded is None:
        yield f"{name}: nothing is recorded in spec.recorded"
        return
    if recorded.verdict != overall(recorded.results):
        wanted = overall(recorded.results)
        yield f"{name}: spec.recorded.verdict is {recorded.verdict}, its results are {wanted}"
    elif store is not None:
        yield from _against_report(version, evaluation, store)


def _against_report(version: ModelVersion, evaluation: Evaluation, store: Store) -> Iterator[str]:
    recorded = evaluation.spec.recorded
    if recorded is None:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="mlplane-") as folder:
            report = read_report(store, recorded.report, Path(folder))
        task = VerifyTask(model=version.spec.model, spec=evaluation.spec)
        finding = finding_of(task, recorded, report)
    except Terminal as error:
        finding = str(error)
    if finding:
        yield f"{evaluation.name}: {finding}"


def missing(version: ModelVersion, evaluations: Sequence[Evaluation], store: Store) -> list[str]:
    """What a store lacks of a version: its files, and the reports that speak of it.

    Raises:
        Transient: The store fails.
    """
    reports = [each.spec.recorded.report for each in evaluations if each.spec.recorded]
    return [uri for uri in (version.spec.artifact.uri, *reports) if not store.exists(uri)]


def bytes_gate(version: ModelVersion, store: Store | None, lacking: Sequence[str] = ()) -> Gate:
    """Whether the model's files are in a store, and are the right ones: each of them is read.

    Args:
        version: The version.
        store: Where its files must be; None if that is not known.
        lacking: What ``missing`` has found.

    Raises:
        Transient: The store fails.
    """
    artifact = version.spec.artifact
    if not artifact.uri.endswith(artifact.digest.replace(":", "-")):
        message = f"{version.name}: spec.artifact.uri and spec.artifact.digest name different files"
        return failed("lineage", f"{message}: restore the file as it was promoted")
    if store is None:
        message = f"the files of {version.name} were not looked at: no store is known"
        return Gate("lineage", "Warning", message)
    if lacking:
        bring = f"run `mlplane store copy {' '.join(lacking)} --to {store.url}`"
        return failed("lineage", f"{store.url} lacks what belongs to {version.name}: {bring}")
    try:
        store.verify(artifact.uri)
    except Terminal as error:
        return failed("lineage", f"{error}: put the right files back, for this version is not served")
    return passed("lineage", f"the files of {version.name} are those of {artifact.digest[:19]}")
