"""What mlplane renders, judged by the CRDs of Argo and KServe themselves."""

import copy

import pytest

import builders as b
from mlplane.adapters import argo, datasetworkflows, kserve, workflowchanges
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api import Dataset, ModelServer, ModelVersion, TrainingRun
from mlplane.schema import foreign
from mlplane.tasks import RunTask
from renderedruns import workflows

RUN = TrainingRun.model_validate(b.run())
TASK = RunTask.model_validate(
    {
        "spec": RUN.spec.to_body(),
        "dataset": {"name": "digits", "digest": b.DATA_DIGEST},
        "splits": b.SPLITS,
        "image": "image",
    }
)
SERVER = ModelServer.model_validate(
    b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}})
)


def changed(change):
    """The Workflow of a run with what is applied to it later."""
    made = argo.workflow_for_run(RUN, TASK, 1, b.SETTINGS)
    applied = change(made)
    return made | {
        "metadata": made["metadata"] | applied["metadata"],
        "spec": made["spec"] | applied["spec"],
    }


RENDERED = {
    "Workflow of a dataset": datasetworkflows.workflow_for_dataset(
        Dataset.model_validate(b.dataset()), b.SETTINGS
    ),
    "Workflow of a run": argo.workflow_for_run(RUN, TASK, 1, b.SETTINGS),
    "Workflow that is suspended": changed(workflowchanges.suspended),
    "Workflow that is to be deleted": changed(lambda workflow: workflowchanges.expiring(workflow, 60)),
    **workflows(),
    "InferenceService": kserve.inference_service_for(
        SERVER, ModelVersion.model_validate(b.model_version()), b.SETTINGS
    ),
    "InferenceService in a rollout": kserve.service_for(
        SERVER,
        kserve.Serving(
            kserve.Served("sha256:" + "1" * 64, "s3://models/1"),
            kserve.Served("sha256:" + "2" * 64, "s3://models/2"),
        ),
    ),
    "ClusterServingRuntime": serving_runtime("image"),
}


@pytest.mark.parametrize("body", RENDERED.values(), ids=RENDERED.keys())
def test_a_rendered_object_is_valid_for_the_real_crd(body, errors_of):
    assert errors_of(body) == []


@pytest.mark.parametrize("body", RENDERED.values(), ids=RENDERED.keys())
def test_a_rendered_object_is_in_the_subset_that_the_local_plane_runs(body):
    assert foreign.violations(body["kind"], body) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("hooksX", {}, "'hooksX'"),
        ("entrypoint", 1, "1 is not of type"),
        ("service_account_name", "x", "'service_account_name'"),
        ("entrypoint", None, "null is not of type"),
    ],
    ids=["an unknown field", "a wrong type", "a name in snake case", "a null"],
)
def test_the_real_crd_catches(field, value, words, errors_of):
    body = copy.deepcopy(RENDERED["Workflow of a run"])
    body["spec"][field] = value
    [error] = errors_of(body)
    assert words in error


@pytest.mark.parametrize("kind", foreign.KINDS)
def test_every_field_of_our_subset_exists_upstream(kind, schema_of):
    ours = foreign.foreign_schema(kind)
    absent = sorted(set(_fields(ours, ours)) - set(_fields(schema_of(kind), {})))
    assert absent == []


def _fields(node, root, path=""):
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    for name, child in node.get("properties", {}).items():
        if (path, name) != ("", "metadata"):
            yield f"{path}.{name}"
            yield from _fields(child, root, f"{path}.{name}")
    if isinstance(node.get("items"), dict):
        yield from _fields(node["items"], root, f"{path}[]")
