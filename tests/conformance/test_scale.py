"""kubectl scale, and what kubectl asks of lists: field selectors, chunks, metadata alone."""

import pytest

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "crews.scale.example.com"},
    "spec": {
        "group": "scale.example.com",
        "scope": "Namespaced",
        "names": {"plural": "crews", "kind": "Crew"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
                },
                "selectableFields": [{"jsonPath": ".spec.task"}],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"size": {"type": "integer"}, "task": {"type": "string"}},
                            },
                            "status": {"type": "object", "properties": {"size": {"type": "integer"}}},
                        },
                    }
                },
            }
        ],
    },
}


def crew(name, task="dig"):
    kind = {"apiVersion": "scale.example.com/v1", "kind": "Crew"}
    return kind | {"metadata": {"name": name}, "spec": {"size": 1, "task": task}}


@pytest.fixture
def crews(cluster):
    """A namespace with three crews."""
    cluster.kubectl("apply", "-f", "-", stdin=DEFINITION)
    items = [crew("a"), crew("b", "cook"), crew("c")]
    cluster.kubectl("create", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": items})
    return cluster


def test_scale_changes_the_number_if_it_is_as_expected(crews):
    assert "scaled" in crews.kubectl("scale", "crew/a", "--replicas=3", "--current-replicas=1").stdout
    assert crews.object("crew", "a")["spec"] == {"size": 3, "task": "dig"}
    refused = crews.kubectl("scale", "crew/a", "--replicas=5", "--current-replicas=1", check=False)
    assert "Expected replicas to be 1, was 3" in refused.stderr
    tried = crews.kubectl("scale", "crew/a", "--replicas=7", "--dry-run=server").stdout
    assert "scaled (server dry run)" in tried
    assert crews.object("crew", "a")["spec"]["size"] == 3
    table = crews.kubectl("get", "crew", "a", "--subresource=scale").stdout
    assert table.split()[:7] == ["NAME", "DESIRED", "AVAILABLE", "AGE", "a", "3", "0"]


def test_lists_are_selected_by_fields_and_read_in_chunks(crews):
    names = crews.kubectl("get", "crews", "-o", "name", "--field-selector", "spec.task=dig").stdout.split()
    assert names == ["crew.scale.example.com/a", "crew.scale.example.com/c"]
    assert len(crews.kubectl("get", "crews", "-o", "name", "--chunk-size=1").stdout.split()) == 3
    refused = crews.kubectl("get", "crews", "--field-selector", "spec.size=1", check=False)
    assert "field label not supported: spec.size" in refused.stderr


def test_explain_knows_the_depths_of_a_pod(cluster):
    told = cluster.kubectl("explain", "pod.spec.containers.livenessProbe.httpGet").stdout
    assert "path\t<string>" in told
    assert "Container image name." in cluster.kubectl("explain", "pod.spec.containers").stdout
