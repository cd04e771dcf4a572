"""/scale of custom resources."""

import pytest

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GADGETS = "/apis/shop.example.com/v1/namespaces/default/gadgets"
MERGE = {"type": "application/merge-patch+json"}


@pytest.fixture
async def gadget(api, make_definition):
    """The path of a gadget with two replicas wanted."""
    made = make_definition("gadgets", "Gadget")
    version = made["spec"]["versions"][0]
    version["subresources"]["scale"] = {
        "specReplicasPath": ".spec.count",
        "statusReplicasPath": ".status.count",
        "labelSelectorPath": ".status.selector",
    }
    count = {"type": "integer", "maximum": 10}
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["count"] = count
    await api.ok("POST", CRDS, made)
    kind = {"apiVersion": "shop.example.com/v1", "kind": "Gadget"}
    await api.ok("POST", GADGETS, kind | {"metadata": {"name": "g"}, "spec": {"count": 2}})
    return f"{GADGETS}/g"


async def test_a_scale_shows_the_numbers_of_the_object(api, gadget):
    await api.merge(f"{gadget}/status", {"status": {"count": 1, "selector": "app=g"}})
    scale = await api.ok("GET", f"{gadget}/scale")
    assert (scale["apiVersion"], scale["kind"]) == ("autoscaling/v1", "Scale")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 1, "selector": "app=g"}
    whole = await api.ok("GET", gadget)
    assert scale["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]


async def test_a_scale_is_written_by_put_and_by_patches(api, gadget):
    scale = await api.ok("GET", f"{gadget}/scale")
    answer = await api.ok("PUT", f"{gadget}/scale", scale | {"spec": {"replicas": 3}})
    assert (answer["kind"], answer["spec"]) == ("Scale", {"replicas": 3})
    await api.merge(f"{gadget}/scale", {"spec": {"replicas": 4}})
    whole = await api.ok("GET", gadget)
    assert (whole["spec"]["count"], whole["metadata"]["generation"]) == (4, 3)
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 5}]
    await api.ok("PATCH", f"{gadget}/scale", operations, type="application/json-patch+json")
    whole = await api.ok("GET", gadget)
    assert whole["spec"]["count"] == 5
    assert [
        entry["subresource"] for entry in whole["metadata"]["managedFields"] if "subresource" in entry
    ] == ["scale"]


async def test_a_stale_scale_is_a_conflict(api, gadget):
    scale = await api.ok("GET", f"{gadget}/scale")
    await api.merge(gadget, {"spec": {"colour": "blue"}})
    status, answer = await api.ask("PUT", f"{gadget}/scale", scale)
    assert (status, answer["reason"]) == (409, "Conflict")
    assert "please apply your changes to the latest version" in answer["message"]
    scale["metadata"] = {"name": "g", "uid": "other"}
    assert (await api.ask("PUT", f"{gadget}/scale", scale))[0] == 409
    scale["metadata"] = {"name": "g"}
    await api.ok("PUT", f"{gadget}/scale", scale)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (-1, ".spec.count: Invalid value: -1: should be a non-negative integer"),
        (11, "spec.count: Invalid value: 11: spec.count in body should be less than or equal to 10"),
        ("x", 'spec.replicas: Invalid value: "x"'),
    ],
)
async def test_a_number_that_cannot_be_is_invalid(api, gadget, count, words):
    status, answer = await api.ask("PATCH", f"{gadget}/scale", {"spec": {"replicas": count}}, **MERGE)
    assert (status, answer["reason"]) == (422, "Invalid")
    assert words in answer["message"]


async def test_a_scale_needs_a_number_to_show_and_can_set_one(api, gadget):
    await api.merge(gadget, {"spec": {"count": None}})
    status, answer = await api.ask("GET", f"{gadget}/scale")
    assert (status, answer["reason"]) == (500, "InternalError")
    assert 'the spec replicas field ".spec.count" does not exist' in answer["message"]
    await api.merge(f"{gadget}/scale", {"spec": {"replicas": 1}})
    assert (await api.ok("GET", f"{gadget}/scale"))["spec"] == {"replicas": 1}


async def test_a_scale_that_is_tried_out_changes_nothing(api, gadget):
    answer = await api.merge(f"{gadget}/scale?dryRun=All", {"spec": {"replicas": 9}})
    assert answer["spec"] == {"replicas": 9}
    assert (await api.ok("GET", gadget))["spec"]["count"] == 2


@pytest.mark.parametrize(
    ("method", "code"), [("DELETE", 405), ("POST", 405)], ids=["not deleted", "not created"]
)
async def test_a_scale_is_only_read_and_written(api, gadget, method, code):
    status, answer = await api.ask(method, f"{gadget}/scale", {} if method == "POST" else None)
    assert (status, answer["reason"]) == (code, "MethodNotAllowed")


async def test_a_kind_without_a_scale_has_none(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    assert (await api.ask("GET", f"{widgets}/a/scale"))[0] == 404


async def test_discovery_tells_that_it_is_a_scale(api, gadget):
    found = (await api.ok("GET", "/apis/shop.example.com/v1"))["resources"]
    (scale,) = [each for each in found if each["name"] == "gadgets/scale"]
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
    assert scale["verbs"] == ["get", "patch", "update"]


async def test_a_scale_is_applied(api, gadget):
    applied = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "g"}}
    path = f"{gadget}/scale?fieldManager=me&force=true"
    body = applied | {"spec": {"replicas": 6}}
    answer = await api.ok("PATCH", path, body, type="application/apply-patch+yaml")
    assert (answer["kind"], answer["spec"]) == ("Scale", {"replicas": 6})
    managers = (await api.ok("GET", gadget))["metadata"]["managedFields"]
    (mine,) = [entry for entry in managers if entry["manager"] == "me"]
    assert (mine["operation"], mine["subresource"]) == ("Apply", "scale")
