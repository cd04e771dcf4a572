"""Objects for tests: each function makes a valid one; keyword arguments change what a test is about."""

import json
from datetime import UTC, datetime
from typing import Any

from mlplane import names
from mlplane.adapters import argo, datasetworkflows
from mlplane.api import Dataset, Evaluation, ModelServer, ModelVersion, TrainingRun
from mlplane.api.dataset import DatasetSpec
from mlplane.api.evaluation import EvaluationSpec
from mlplane.api.refs import Query, ref_of
from mlplane.reconcilers import evaluation as evaluations
from mlplane.reconcilers.plan import Observed, Settings
from mlplane.reconcilers.recipes import recipe_of
from mlplane.reconcilers.records import evidence_of
from mlplane.tasks import RunTask

Body = dict[str, Any]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLIER = "2026-01-02T03:00:00Z"
SETTINGS = Settings(store="s3://artifacts/mlplane")
DATA_DIGEST = "sha256:" + "d" * 64
MODEL_DIGEST = "sha256:" + "e" * 64
RUN_KEY = "sha256:" + "a" * 64
COMMIT = "c" * 40
URL = "https://git.example.com/team/digits.git"

SPLITS = [
    {"name": "train", "digest": "sha256:" + "1" * 64, "rows": 1438},
    {"name": "test", "digest": "sha256:" + "2" * 64, "rows": 359},
]


def meta(name: str, **more: Any) -> Body:
    return {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": EARLIER,
    } | more


def body(kind: str, name: str, spec: Body, status: Body | None = None, **metadata: Any) -> Body:
    made = {
        "apiVersion": "mlplane.dev/v1alpha1",
        "kind": kind,
        "metadata": meta(name, **metadata),
        "spec": spec,
    }
    return made | ({"status": status} if status else {})


def condition(type_: str, status: str, reason: str, message: str = "", generation: int = 1) -> Body:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message or reason,
        "observedGeneration": generation,
        "lastTransitionTime": EARLIER,
    }


def dataset(name: str = "digits", status: Body | None = None, **metadata: Any) -> Body:
    spec = {
        "source": {"git": {"url": URL, "path": "data/digits.csv.gz", "commit": COMMIT}},
        "format": "CSV",
        "header": "Absent",
        "columns": [
            {"name": "pixels", "type": "Integer", "width": 64, "minimum": "0", "maximum": "16"},
            {"name": "label", "type": "Integer", "minimum": "0", "maximum": "9"},
        ],
        "splits": [{"name": "train", "percent": 80}, {"name": "test", "percent": 20}],
    }
    return body("Dataset", name, spec, status, **metadata)


def ready_dataset(**metadata: Any) -> Body:
    return dataset(status=ingested(), **metadata)


def ingest_result(**changes: Any) -> str:
    """The answer of the step ``ingest``."""
    fields = ("digest", "uri", "rows", "files", "bytes", "splits")
    return json.dumps({field: ingested()[field] for field in fields} | changes)


def ingested(generation: int = 1, spec: Body | None = None) -> Body:
    """The status of a Dataset whose spec was that, or is that of ``dataset``."""
    recipe = recipe_of(DatasetSpec.model_validate(spec or dataset()["spec"]))
    return {
        "observedGeneration": generation,
        "digest": DATA_DIGEST,
        "uri": f"store://datasets/digits/sha256-{'d' * 64}",
        "rows": 1797,
        "files": 1,
        "bytes": 57054,
        "recipe": recipe,
        "splits": SPLITS,
        "conditions": [condition("Ready", "True", "Ingested", generation=generation)],
    }


def run(
    name: str = "digits-1", status: Body | None = None, *, minimum: str = "0.95", **metadata: Any
) -> Body:
    spec = {
        "model": "digits",
        "dataset": {"name": "digits"},
        "code": {"git": {"url": URL, "path": "train", "commit": COMMIT}},
        "entrypoint": "train.py",
        "params": {"epochs": 30, "lr": "0.01"},
        "seed": 7,
        "evaluation": {
            "split": "test",
            "label": "label",
            "gates": [{"metric": "accuracy", "min": minimum}],
        },
    }
    return body("TrainingRun", name, spec, status, **metadata)


def finished_run(value: str = "0.9721", left: Body | None = None) -> Body:
    """A run that has left a model version and its evaluation: this one."""
    done = [condition("Ready", "True", "Completed"), condition("Complete", "True", "Succeeded")]
    evidence = evidence_of(EvaluationSpec.model_validate((left or evaluation(value=value))["spec"]))
    return run(status={"conditions": done, "modelVersion": "digits-aaaaaaaa", "evidence": evidence})


def model_version(
    name: str = "digits-aaaaaaaa",
    *,
    digest: str = MODEL_DIGEST,
    approved: bool | None = None,
    **metadata: Any,
) -> Body:
    spec = {
        "model": "digits",
        "artifact": {
            "uri": f"store://models/digits/{digest.replace(':', '-')}",
            "digest": digest,
        },
        "signature": SIGNATURE,
        "lineage": {
            "run": {"name": "digits-1", "key": RUN_KEY},
            "dataset": {"name": "digits", "digest": DATA_DIGEST},
            "splits": SPLITS[:1],
            "code": {
                "url": URL,
                "path": "train",
                "commit": COMMIT,
                "tree": "f" * 40,
                "entrypoint": "train.py",
            },
            "image": "ghcr.io/mlplane/runtime:0.1.0",
            "params": {"epochs": "30", "lr": "0.01"},
            "seed": 7,
        },
    }
    status = None
    if approved is not None:
        verdict = condition("Approved", str(approved), "GatesPassed" if approved else "GateFailed")
        status = {"observedGeneration": 1, "conditions": [condition("Ready", "True", "Available"), verdict]}
    return body("ModelVersion", name, spec, status, **metadata)


SIGNATURE = {
    "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}],
    "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}],
}


def recorded(value: str = "0.9721", minimum: str = "0.95") -> Body:
    verdict = "Passed" if float(value) >= float(minimum) else "Failed"
    return {
        "verdict": verdict,
        "rows": 359,
        "results": [
            {
                "gate": {"metric": "accuracy", "min": minimum},
                "verdict": verdict,
                "rows": 359,
                "value": value,
                "interval": {"low": "0.9500", "high": "0.9900"},
            }
        ],
        "report": f"store://reports/digits/sha256-{'9' * 64}",
    }


def evaluation(
    name: str = "digits-aaaaaaaa-bbbbbbbb",
    value: str = "0.9721",
    *,
    digest: str = MODEL_DIGEST,
    run: Body | None = None,
    status: Body | None = None,
    **metadata: Any,
) -> Body:
    """A recorded one; with ``run``, one that is to be carried out."""
    spec = {
        "modelVersion": {"name": "digits-aaaaaaaa", "digest": digest},
        "dataset": {"name": "digits"} if run else {"name": "digits", "digest": DATA_DIGEST},
        "split": "test",
    } | ({"run": run} if run else {"recorded": recorded(value)})
    return body("Evaluation", name, spec, status, **metadata)


TO_JUDGE = {"label": "label", "gates": [{"metric": "accuracy", "min": "0.95"}]}


def of_a_run(name: str = "digits-1") -> Body:
    """Metadata of an evaluation that this run has recorded."""
    return {"labels": {names.OWNER_KIND_LABEL: "TrainingRun", names.OWNER_NAME_LABEL: name}}


def judged(value: str = "0.9721", verdict: str = "", **metadata: Any) -> Body:
    """A recorded evaluation that has been verified."""
    made = recorded(value)
    made |= {"verdict": verdict or made["verdict"]}
    status = made | {"conditions": [condition("Complete", "True", made["verdict"], f"accuracy {value}")]}
    return evaluation(value=value, status=status, **metadata)


def evaluation_workflow(owner: Body, phase: str = "", **outputs: str) -> Body:
    """The Workflow of an evaluation as its first pass makes it, with what its one step has answered."""
    typed = Evaluation.model_validate(owner)
    world = (model_version(), ready_dataset())
    (made,) = evaluations.plan(typed, observed_by(evaluations, typed, world), NOW, SETTINGS).create
    return with_status(made, phase, {"evaluate" if "run" in owner["spec"] else "verify": outputs})


def server(
    name: str = "digits", spec: Body | None = None, status: Body | None = None, **metadata: Any
) -> Body:
    return body(
        "ModelServer", name, spec or {"follow": {"model": "digits", "policy": "Newest"}}, status, **metadata
    )


def dataset_workflow(owner: Body, phase: str = "", **outputs: str) -> Body:
    made = datasetworkflows.workflow_for_dataset(Dataset.model_validate(owner), SETTINGS)
    return with_status(made, phase, {"ingest": outputs})


def run_workflow(owner: Body, phase: str = "", attempt: int = 1, **steps: dict[str, str]) -> Body:
    made = argo.workflow_for_run(TrainingRun.model_validate(owner), run_task(owner), attempt, SETTINGS)
    return with_status(made, phase, steps)


def run_task(owner: Body) -> RunTask:
    return RunTask.model_validate(
        {
            "spec": owner["spec"],
            "dataset": {"name": "digits", "digest": DATA_DIGEST},
            "splits": SPLITS,
            "image": SETTINGS.image,
        }
    )


def with_status(workflow: Body, phase: str, steps: dict[str, dict[str, str]]) -> Body:
    """The Workflow as Argo shows it once these steps have succeeded."""
    nodes = {
        f"{workflow['metadata']['name']}-{step}": {
            "type": "Pod",
            "phase": "Succeeded",
            "templateName": step,
            "outputs": {"parameters": [{"name": n, "value": v} for n, v in parameters.items()]},
        }
        for step, parameters in steps.items()
    }
    status = {"phase": phase, "progress": f"{len(steps)}/4", "nodes": nodes} if phase else None
    return workflow | ({"status": status} if status else {})


def with_failed_pod(workflow: Body, template: str, message: str) -> Body:
    node = {"type": "Pod", "phase": "Failed", "templateName": template, "message": message}
    return workflow | {
        "status": {"phase": "Failed", "message": "child failed", "nodes": {"x": node}, "progress": "1/2"}
    }


def with_pending_pod(workflow: Body, template: str, message: str) -> Body:
    node = {"type": "Pod", "phase": "Pending", "templateName": template, "message": message}
    return workflow | {"status": {"phase": "Running", "nodes": {"x": node}, "progress": "0/1"}}


def without_owner(child: Body) -> Body:
    meta = {name: value for name, value in child["metadata"].items() if name != "ownerReferences"}
    return child | {"metadata": meta}


def run_result(value: str = "0.9721") -> str:
    trained = {
        "version": 1,
        "key": RUN_KEY,
        "tree": "f" * 40,
        "artifact": {"uri": f"store://models/digits/sha256-{'e' * 64}", "digest": MODEL_DIGEST},
        "signature": SIGNATURE,
    }
    return json.dumps({"trained": trained, "recorded": recorded(value)})


def observed_by(module: Any, obj: Any, bodies: tuple[Body, ...]) -> Observed:
    """What a pass of this reconciler would read if these were all the objects there are."""
    declared = module.refs(obj, SETTINGS)
    by_ref = {ref_of(b): b for b in bodies}
    return Observed(
        objects={r: by_ref.get(r) for r in declared if not isinstance(r, Query)},
        lists={
            q: tuple(b for r, b in by_ref.items() if q.covers(r)) for q in declared if isinstance(q, Query)
        },
    )


TYPES = {t.__name__: t for t in (Dataset, TrainingRun, ModelVersion, Evaluation, ModelServer)}
