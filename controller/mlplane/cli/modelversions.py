"""Model versions with what speaks of them: from the cluster the objects, from the store the reports."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.cli.connection import connected
from mlplane.cli.storeaccess import opened

if TYPE_CHECKING:
    from mlplane.api import Evaluation, ModelVersion
    from mlplane.body import Body
    from mlplane.cards.subject import Judged, Subject
    from mlplane.store.artifacts import Store


def subjects(names: Sequence[str], store: str, kubeconfig: Path | None, namespace: str) -> "list[Subject]":
    """Model versions, and how they were judged, newest first.

    Args:
        names: Of the ModelVersions.
        store: What ``--store`` says; a report that cannot be had is no error, but a problem that is told.
        kubeconfig: What ``--kubeconfig`` says.
        namespace: What ``--namespace`` says.

    Raises:
        Terminal: one is not there, or cannot be read.
    """
    from mlplane.cards.subject import Judged, Subject
    from mlplane.errors import MlplaneError

    found = asyncio.run(_objects(names, kubeconfig, namespace))
    try:
        known = opened(store, kubeconfig)
    except MlplaneError as error:
        why = str(error)
        return [Subject(version, [Judged(each, problem=why) for each in judged]) for version, judged in found]
    return [Subject(version, [judged_in(each, known) for each in judged]) for version, judged in found]


async def _objects(
    names: Sequence[str], kubeconfig: Path | None, namespace: str
) -> "list[tuple[ModelVersion, list[Evaluation]]]":
    from mlplane.api.refs import Query
    from mlplane.errors import Terminal
    from mlplane.names import API_VERSION

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        versions = await cluster.list(Query(API_VERSION, "ModelVersion", chosen))
        evaluations = await cluster.list(Query(API_VERSION, "Evaluation", chosen))
    known = {body["metadata"]["name"]: body for body in versions}
    if unknown := [name for name in names if name not in known]:
        there = ", ".join(sorted(known)) or "none"
        raise Terminal(f'no ModelVersion "{unknown[0]}" in namespace {chosen}; there are: {there}')
    return [_read(known[name], evaluations) for name in names]


def _read(body: "Body", evaluations: "list[Body]") -> "tuple[ModelVersion, list[Evaluation]]":
    from pydantic import ValidationError

    from mlplane.api import ModelVersion
    from mlplane.api.reading import named
    from mlplane.errors import Terminal
    from mlplane.reconcilers.modelversion import that_count

    try:
        version = ModelVersion.model_validate(body)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise Terminal(
            f"ModelVersion {named(body)} cannot be read: {where}: {error.errors()[0]['msg']}; "
            "use mlplane in the version of the cluster's controller"
        ) from error
    judged = that_count(version, evaluations)
    return version, sorted(judged, key=lambda e: (e.metadata.creation_timestamp, e.name), reverse=True)


def judged_in(evaluation: "Evaluation", store: "Store") -> "Judged":
    """An evaluation with its report, or with why there is none."""
    import tempfile

    from mlplane.cards.report import Report
    from mlplane.cards.subject import Judged
    from mlplane.errors import MlplaneError
    from mlplane.steps.reports import read_report

    uri = evaluation.status.report
    if uri is None:
        return Judged(evaluation, problem="it has no report")
    try:
        with tempfile.TemporaryDirectory(prefix="mlplane-") as folder:
            return Judged(evaluation, Report.of(read_report(store, uri, Path(folder)), uri))
    except MlplaneError as error:
        return Judged(evaluation, problem=str(error))
