import os
from pathlib import Path

import pytest
import yaml

from mlplane.adapters.servingruntime import serving_runtime


def test_the_runtime_is_what_model_servers_ask_for() -> None:
    runtime = serving_runtime("ghcr.io/mlplane/runtime:1")
    assert runtime["metadata"]["name"] == "mlplane-torch"
    (container,) = runtime["spec"]["containers"]
    assert container["name"] == "kserve-container"
    assert container["image"] == "ghcr.io/mlplane/runtime:1"
    assert [f["name"] for f in runtime["spec"]["supportedModelFormats"]] == ["mlplane-torch"]


@pytest.mark.skipif("MLPLANE_UPSTREAM_CRDS" not in os.environ, reason="needs KServe's CRDs")
def test_kserves_own_schema_accepts_it() -> None:
    import jsonschema

    folder = Path(os.environ["MLPLANE_UPSTREAM_CRDS"]) / "kserve"
    text = (folder / "serving.kserve.io_clusterservingruntimes.yaml").read_text()
    crd = yaml.load(text, Loader=yaml.CSafeLoader)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    _close(schema)
    runtime = serving_runtime("ghcr.io/mlplane/runtime:1")
    errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(runtime)]
    assert errors == []


def _close(schema: object) -> None:
    """Let unknown fields be errors, as strict field validation does."""
    if isinstance(schema, list):
        for item in schema:
            _close(item)
    if isinstance(schema, dict):
        schema.pop("format", None)
        if schema.pop("x-kubernetes-int-or-string", False):
            schema.pop("anyOf", None)
            schema["type"] = ["integer", "string"]
        properties = schema.get("properties")
        if isinstance(properties, dict) and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _close(value)
