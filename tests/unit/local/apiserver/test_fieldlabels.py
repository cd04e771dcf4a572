"""Field selectors: which fields of a kind may be named, and what they select."""

import pytest

EVENTS = "/api/v1/namespaces/default/events"


async def names(api, path, selector):
    answer = await api.ok("GET", path, params={"fieldSelector": selector})
    return [item["metadata"]["name"] for item in answer["items"]]


async def test_a_definition_says_which_fields_are_selectable(api, make_definition):
    made = make_definition("gadgets", "Gadget")
    fields = ["colour", "size", "on"]
    version = made["spec"]["versions"][0]
    version["selectableFields"] = [{"jsonPath": f".spec.{field}"} for field in fields]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["on"] = {"type": "boolean"}
    await api.ok("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", made)
    path = "/apis/shop.example.com/v1/namespaces/default/gadgets"
    for name, spec in {"a": {"size": 1}, "b": {"size": 2, "on": True}, "c": {"colour": "blue"}}.items():
        kind = {"apiVersion": "shop.example.com/v1", "kind": "Gadget"}
        await api.ok("POST", path, kind | {"metadata": {"name": name}, "spec": spec})
    assert await names(api, path, "spec.colour=red") == ["a", "b"]
    assert await names(api, path, "spec.colour!=red") == ["c"]
    assert await names(api, path, "spec.size=2,metadata.namespace=default") == ["b"]
    assert await names(api, path, "spec.size=") == ["c"]
    assert await names(api, path, "spec.on=true") == ["b"]
    status, answer = await api.ask("GET", f"{path}?fieldSelector=spec.other%3D1")
    assert (status, answer["message"]) == (400, "field label not supported: spec.other")


@pytest.mark.parametrize(
    ("path", "label", "message"),
    [
        ("/api/v1/pods", "spec.image", "field label not supported: spec.image"),
        ("/api/v1/namespaces", "metadata.namespace", "field label not supported: metadata.namespace"),
        (
            "/api/v1/configmaps",
            "data.a",
            '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ("/apis/shop.example.com/v1/widgets", "spec.size", "field label not supported: spec.size"),
        (
            "/apis/events.k8s.io/v1/events",
            "involvedObject.name",
            "field label not supported: involvedObject.name",
        ),
    ],
)
@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_other_fields_are_refused(api, path, label, message, verb):
    query = {"fieldSelector": f"{label}=x", "watch": str(verb == "watch").lower()}
    status, answer = await api.ask("GET", path, params=query)
    assert (status, answer["reason"], answer["message"]) == (400, "BadRequest", message)


async def test_a_collection_is_not_deleted_by_a_selector_that_is_refused(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    assert (await api.ask("DELETE", f"{widgets}?fieldSelector=spec.size%3D9"))[0] == 400
    assert await names(api, widgets, "metadata.name=a") == ["a"]


async def test_events_are_found_by_what_they_are_about_and_by_who_reports(api):
    about = {"involvedObject": {"kind": "Pod", "name": "p"}, "reason": "R", "type": "Normal"}
    await api.ok("POST", EVENTS, about | {"metadata": {"name": "a"}, "source": {"component": "kubelet"}})
    await api.ok("POST", EVENTS, about | {"metadata": {"name": "b"}, "type": "Warning"})
    assert await names(api, EVENTS, "involvedObject.kind=Pod,involvedObject.name=p") == ["a", "b"]
    assert await names(api, EVENTS, "source=kubelet") == ["a"]
    assert await names(api, EVENTS, "type!=Normal") == ["b"]
    new = EVENTS.replace("/api/v1", "/apis/events.k8s.io/v1")
    assert await names(api, new, "regarding.name=p,type=Warning") == ["b"]


async def test_a_flag_that_is_missing_is_false(api):
    await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}})
    assert await names(api, "/api/v1/nodes", "spec.unschedulable=false") == ["n"]
    assert await names(api, "/api/v1/nodes", "spec.unschedulable=true") == []
