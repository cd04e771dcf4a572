import copy

import jsonschema
import pytest

import builders as b
from mlplane.adapters import datasetworkflows, kserve
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api import Dataset, ModelServer, ModelVersion
from mlplane.schema.foreign import KINDS, foreign_crds, foreign_schema, violations

SERVER = ModelServer.model_validate(
    b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}})
)
WORKFLOW = datasetworkflows.workflow_for_dataset(Dataset.model_validate(b.dataset()), b.SETTINGS)
SERVICE = kserve.inference_service_for(SERVER, ModelVersion.model_validate(b.model_version()), b.SETTINGS)
RUNTIME = serving_runtime("image")


def template(body):
    return body["spec"]["templates"][1]


def container(body):
    return template(body)["container"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_valid_and_every_object_in_it_is_closed(kind):
    schema = foreign_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert not [path for path in _open_objects(schema, "") if path not in ALLOWED_OPEN]


ALLOWED_OPEN = ("/properties/metadata", "/properties/status", "/properties/metadata/properties/annotations")


def _open_objects(node, path):
    if isinstance(node, dict):
        if node.get("type") == "object" and "additionalProperties" not in node:
            yield path
        for key, child in node.items():
            yield from _open_objects(child, f"{path}/{key}")


@pytest.mark.parametrize("body", [WORKFLOW, SERVICE, RUNTIME], ids=lambda body: body["kind"])
def test_what_mlplane_renders_is_supported(body):
    assert violations(body["kind"], body) == []


CASES = {
    "an unknown field": (
        WORKFLOW,
        lambda o: o["spec"].update(synchronization={}),
        "spec.synchronization: this field is not supported; supported are activeDeadlineSeconds, arguments,",
    ),
    "another template type": (
        WORKFLOW,
        lambda o: template(o).update(http={}),
        "spec.templates[1].http: this field is not supported",
    ),
    "two template types": (
        WORKFLOW,
        lambda o: template(o).update(steps=[[{"name": "a", "template": "b"}]]),
        "spec.templates[1]: exactly one of container, script, steps, dag, suspend must be set; "
        "found container and steps",
    ),
    "no template type": (
        WORKFLOW,
        lambda o: template(o).pop("container"),
        "spec.templates[1]: exactly one of container, script, steps, dag, suspend must be set; found none",
    ),
    "a template of another object": (
        WORKFLOW,
        lambda o: o["spec"]["templates"][0]["steps"][0][0].update(templateRef={"name": "x"}),
        "spec.templates[0].steps[0][0].templateRef: this field is not supported;",
    ),
    "a mount elsewhere": (
        WORKFLOW,
        lambda o: container(o)["volumeMounts"][0].update(mountPath="/etc"),
        'mountPath: found "/etc"; supported is a path under /mnt/mlplane or /mnt/models',
    ),
    "a mount beside": (
        WORKFLOW,
        lambda o: container(o)["volumeMounts"][0].update(mountPath="/mnt/mlplane2"),
        'mountPath: found "/mnt/mlplane2"; supported is',
    ),
    "no command": (
        WORKFLOW,
        lambda o: container(o).pop("command"),
        "spec.templates[1].container: command is missing and must be set",
    ),
    "an empty command": (
        WORKFLOW,
        lambda o: container(o).update(command=[]),
        "spec.templates[1].container.command: 0 entries were found; at least 1 must be there",
    ),
    "a field of the pod that is not known": (
        WORKFLOW,
        lambda o: container(o)["env"].append(
            {"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}
        ),
        'fieldPath: found "spec.x"; supported is metadata.name, metadata.namespace, metadata.uid,',
    ),
    "a retry policy": (
        WORKFLOW,
        lambda o: template(o)["retryStrategy"].update(retryPolicy="Sometimes"),
        'retryPolicy: found "Sometimes"; supported are OnError, OnFailure, OnTransientError, Always',
    ),
    "another volume": (
        WORKFLOW,
        lambda o: o["spec"]["volumes"].append({"name": "y", "hostPath": {}}),
        "spec.volumes[2].hostPath: this field is not supported; supported are configMap, emptyDir, name",
    ),
    "a volume of nothing": (
        WORKFLOW,
        lambda o: o["spec"]["volumes"].append({"name": "y"}),
        "exactly one of emptyDir, persistentVolumeClaim, configMap must be set",
    ),
    "a wrong type": (
        WORKFLOW,
        lambda o: o["spec"].update(entrypoint=1),
        "spec.entrypoint: found 1; supported is string",
    ),
    "another version": (
        WORKFLOW,
        lambda o: o.update(apiVersion="v1"),
        'apiVersion: found "v1"; supported is "argoproj.io/v1alpha1"',
    ),
    "scaling to zero": (
        SERVICE,
        lambda o: o["spec"]["predictor"].update(minReplicas=0),
        "spec.predictor.minReplicas: found 0; supported is 1 or more",
    ),
    "a Knative canary": (
        SERVICE,
        lambda o: o["spec"]["predictor"].update(canaryTrafficPercent=10),
        "spec.predictor.canaryTrafficPercent: this field is not supported",
    ),
    "another deployment mode": (
        SERVICE,
        lambda o: o["metadata"]["annotations"].update({"serving.kserve.io/deploymentMode": "Knative"}),
        'deploymentMode: found "Knative"; supported is "Standard"',
    ),
    "a second container": (
        RUNTIME,
        lambda o: o["spec"]["containers"].append(o["spec"]["containers"][0]),
        "spec.containers: 2 entries were found; supported is at most 1",
    ),
}


@pytest.mark.parametrize(("body", "change", "words"), CASES.values(), ids=CASES)
def test_what_is_not_supported_is_named(body, change, words):
    changed = copy.deepcopy(body)
    change(changed)
    sentences = violations(changed["kind"], changed)
    assert any(words in sentence for sentence in sentences), sentences


def test_a_workflow_that_runs_already_may_have_a_status():
    assert violations("Workflow", WORKFLOW | {"status": {"phase": "Running", "finishedAt": None}}) == []


def test_an_unknown_kind_has_no_subset():
    with pytest.raises(KeyError):
        foreign_schema("CronWorkflow")


def test_the_crds_are_as_open_and_as_split_as_the_real_ones():
    crds = {crd["spec"]["names"]["kind"]: crd["spec"] for crd in foreign_crds()}
    subresources = {kind: spec["versions"][0]["subresources"] for kind, spec in crds.items()}
    assert subresources == {"Workflow": {}, "InferenceService": {"status": {}}, "ClusterServingRuntime": {}}
    assert {kind: spec["scope"] for kind, spec in crds.items()} == {
        "Workflow": "Namespaced",
        "InferenceService": "Namespaced",
        "ClusterServingRuntime": "Cluster",
    }
    columns = {
        kind: [c["name"] for c in spec["versions"][0]["additionalPrinterColumns"]]
        for kind, spec in crds.items()
    }
    assert columns["Workflow"] == ["Status", "Age", "Message"]
    assert columns["InferenceService"] == [
        "URL",
        "Ready",
        "Prev",
        "Latest",
        "PrevRolledoutRevision",
        "LatestReadyRevision",
        "Age",
    ]
