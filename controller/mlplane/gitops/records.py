"""The manifests that a promotion adds: a model version, and what was measured of it, as they stand in git.

Canonical: ``apiVersion``, ``kind``, ``metadata.name`` and ``spec``, without a namespace, so that one file is
right in every environment. Pure. Called by ``gitops.promotion`` and ``cli.promotionsource``.
"""

from typing import Any

import yaml

from mlplane import names
from mlplane.api import Evaluation
from mlplane.api.dataset import DatasetRef
from mlplane.api.evaluation import EvaluationSpec, EvaluationStatus, Recorded
from mlplane.api.meta import Body


def canonical(body: Body) -> Body:
    """What of an object a promotion copies."""
    name = body["metadata"]["name"]
    return {
        "apiVersion": names.API_VERSION,
        "kind": body["kind"],
        "metadata": {"name": name},
        "spec": body["spec"],
    }


def recorded(evaluation: Evaluation) -> Body | None:
    """The outcome of an evaluation as a manifest that repeats no work; None while there is none."""
    spec, status = evaluation.spec, evaluation.status
    if spec.recorded is None:
        if status.verdict is None or status.report is None or status.dataset is None:
            return None
        spec = EvaluationSpec(
            model_version=spec.model_version,
            dataset=DatasetRef(name=status.dataset.name, digest=status.dataset.digest),
            split=spec.split,
            recorded=Recorded(
                verdict=status.verdict, rows=status.rows or 0, results=status.results, report=status.report
            ),
        )
    return canonical(
        {"kind": "Evaluation", "metadata": {"name": evaluation.name}, "spec": _plain(spec.to_body())}
    )


def as_judged(evaluation: Evaluation) -> Evaluation:
    """An evaluation that was read from git, with the outcome that is recorded in it as its status."""
    found = evaluation.spec.recorded
    if found is None:
        return evaluation
    dataset = evaluation.spec.dataset
    status = EvaluationStatus.model_validate(
        {
            **found.to_body(),
            "dataset": dataset.to_body() if dataset.digest else None,
            "conditions": evaluation.status.conditions,
        }
    )
    return evaluation.model_copy(update={"status": status})


def manifest_text(body: Body) -> str:
    """A manifest of an object that no person writes."""
    return yaml.safe_dump(_plain(body), sort_keys=False, width=110, allow_unicode=True)


def _plain(value: Any) -> Any:
    """Lists for tuples, which YAML would write with a tag."""
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
