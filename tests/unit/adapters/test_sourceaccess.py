"""What a Workflow gives the step that reads a source, and no other step."""

from typing import Any

import pytest

import builders as b
from mlplane import names
from mlplane.adapters.datasetworkflows import workflow_for_dataset
from mlplane.api import Dataset
from mlplane.api.datasource import SECRET_KEYS
from mlplane.schema.foreign import violations
from mlplane.settings import Settings

OPEN = Settings(store="s3://artifacts", allowed_hosts=("minio:9000", "10.0.0.1"), hf_endpoint="https://hub")


def ingest_template(source: dict[str, Any], settings: Settings = b.SETTINGS) -> dict[str, Any]:
    body = b.dataset()
    body["spec"]["source"] = source
    workflow = workflow_for_dataset(Dataset.model_validate(body), settings)
    assert violations("Workflow", workflow) == []
    return next(t for t in workflow["spec"]["templates"] if t["name"] == "ingest")


def variables(template: dict[str, Any]) -> dict[str, Any]:
    return {v["name"]: v.get("value") or v["valueFrom"] for v in template["container"]["env"]}


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("s3", {"uri": "s3://bucket/data/"}),
        ("gs", {"uri": "gs://bucket/data/"}),
        ("https", {"url": "https://example.com/a.csv"}),
        ("hf", {"repo": "a/b", "revision": "ab" * 20, "path": "data"}),
        ("git", {"url": "https://example.com/a.git", "commit": "ab" * 20, "path": "data"}),
    ],
)
def test_each_key_of_the_secret_is_optional_and_under_a_name_of_its_own(kind, source):
    given = variables(ingest_template({kind: source, "secretRef": {"name": "access"}}))
    secrets = {name: value for name, value in given.items() if isinstance(value, dict)}
    assert secrets == {
        f"MLPLANE_SOURCE_{key}": {"secretKeyRef": {"name": "access", "key": key, "optional": True}}
        for key in SECRET_KEYS[kind]
    }
    assert secrets
    assert "access" not in str(ingest_template({kind: source}))


def test_a_volume_is_mounted_read_only_into_the_step_that_reads_it():
    template = ingest_template({"pvc": {"claim": "data", "path": "a.csv"}})
    assert template["volumes"] == [
        {"name": "source", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}
    ]
    mount = {"name": "source", "mountPath": "/mnt/mlplane/volume", "readOnly": True}
    assert mount in template["container"]["volumeMounts"]


def test_the_operators_policy_stands_in_the_environment_if_there_is_one():
    source = {"https": {"url": "https://example.com/a.csv"}}
    given = variables(ingest_template(source, OPEN))
    assert given[names.ALLOWED_HOSTS_ENV] == "minio:9000,10.0.0.1"
    assert given["HF_ENDPOINT"] == "https://hub"
    assert not {names.ALLOWED_HOSTS_ENV, "HF_ENDPOINT"} & variables(ingest_template(source)).keys()
