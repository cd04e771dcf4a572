"""The rules of writes, beyond what kubectl shows."""

import asyncio
import json

import pytest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


async def refused(api, method, path, body=None, **more):
    status, answer = await api.ask(method, path, body, **more)
    assert status >= 400, answer
    assert answer["kind"] == "Status"
    assert answer["code"] == status
    return status, answer["reason"], answer["message"]


async def test_a_new_object_gets_its_identity_from_the_server(api, widgets, widget):
    sent = widget("a", uid="mine", generation=7, creationTimestamp="2001-01-01T00:00:00Z", selfLink="/x")
    meta = (await api.ok("POST", widgets, sent))["metadata"]
    assert meta["uid"] != "mine"
    assert meta["generation"] == 1
    assert not meta["creationTimestamp"].startswith("2001")
    assert meta["namespace"] == "default"
    assert "selfLink" not in meta


async def test_a_status_sent_with_a_create_is_dropped(api, widgets, widget):
    assert "status" not in await api.ok("POST", widgets, widget("a") | {"status": {"phase": "Done"}})


async def test_the_generation_counts_changes_of_the_spec_alone(api, widgets, widget):
    path = f"{widgets}/a"
    await api.ok("POST", widgets, widget("a"))

    async def generation(answer):
        return (await answer)["metadata"]["generation"]

    assert await generation(api.merge(path, {"metadata": {"labels": {"x": "y"}}})) == 1
    assert await generation(api.merge(f"{path}/status", {"status": {"phase": "Done"}})) == 1
    assert await generation(api.merge(path, {"spec": {"size": 2}})) == 2
    assert await generation(api.merge(path, {"metadata": {"finalizers": ["a/b"]}})) == 2
    assert await generation(api.ok("DELETE", path)) == 3


async def test_without_a_status_subresource_a_status_counts_as_a_change(api, widget, make_definition):
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.ok("POST", crds, make_definition("plains", "Plain", status=False))
    plains = "/apis/shop.example.com/v1/namespaces/default/plains"
    body = widget("p") | {"kind": "Plain", "status": {"phase": "New"}}
    assert (await api.ok("POST", plains, body))["status"] == {"phase": "New"}
    changed = await api.merge(f"{plains}/p", {"status": {"phase": "Old"}})
    assert (changed["status"], changed["metadata"]["generation"]) == ({"phase": "Old"}, 2)
    assert (await refused(api, "GET", f"{plains}/p/status"))[0] == 404


async def test_a_put_to_the_status_takes_the_status_alone(api, widgets, widget):
    created = await api.ok("POST", widgets, widget("a"))
    changed = created | {"status": {"phase": "Done"}, "spec": {"size": 9}}
    changed["metadata"] = created["metadata"] | {"labels": {"x": "y"}}
    await api.ok("PUT", f"{widgets}/a/status", changed)
    found = await api.ok("GET", f"{widgets}/a")
    assert found["status"] == {"phase": "Done"}
    assert found["spec"]["size"] == 1
    assert "labels" not in found["metadata"]


async def test_a_put_without_a_version_is_refused_for_custom_kinds(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    status, reason, message = await refused(api, "PUT", f"{widgets}/a", widget("a", size=2))
    assert (status, reason) == (422, "Invalid")
    assert "metadata.resourceVersion" in message


async def test_a_put_without_a_version_overwrites_a_config_map(api):
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}})
    await api.ok("PUT", f"{CONFIG_MAPS}/c", {"metadata": {"name": "c"}, "data": {"b": "2"}})
    assert (await api.ok("GET", f"{CONFIG_MAPS}/c"))["data"] == {"b": "2"}


async def test_of_two_writers_with_one_version_one_wins(api, widgets, widget):
    created = await api.ok("POST", widgets, widget("a"))
    bodies = [created | {"spec": {"size": n}} for n in range(2, 12)]
    answers = await asyncio.gather(*(api.ask("PUT", f"{widgets}/a", body) for body in bodies))
    assert sorted(status for status, _ in answers) == [200] + [409] * 9


async def test_concurrent_patches_are_all_kept(api):
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "c"}})
    await asyncio.gather(*(api.merge(f"{CONFIG_MAPS}/c", {"data": {f"k{n}": str(n)}}) for n in range(50)))
    assert len((await api.ok("GET", f"{CONFIG_MAPS}/c"))["data"]) == 50


async def test_concurrent_creates_of_one_name_make_one_object(api):
    body = {"metadata": {"name": "c"}}
    answers = await asyncio.gather(*(api.ask("POST", CONFIG_MAPS, body) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [201] + [409] * 19


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"apiVersion": "shop.example.com/v2"}, 400, "does not match the expected API version"),
        ({"kind": "Gadget"}, 422, 'kind: Invalid value: "Gadget": must be Widget'),
        ({"kind": None}, 400, "Object 'Kind' is missing"),
        (
            {"metadata": {"name": "a", "namespace": "other"}},
            400,
            "does not match the namespace sent on the request",
        ),
        ({"metadata": {}}, 422, "name or generateName is required"),
        ({"metadata": {"name": "a", "labels": {"x": "two words"}}}, 422, "a valid label must be"),
        (
            {"metadata": {"name": "a", "labels": {"x": 1}}},
            400,
            "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
        ),
        (
            {"metadata": {"name": "a", "annotations": {"x": "y" * 300_000}}},
            422,
            "may not be more than 262144 bytes",
        ),
        ({"metadata": {"name": "a", "ownerReferences": [{"kind": "X"}]}}, 422, "ownerReferences.uid"),
        ({"metadata": {"name": "a" * 254}}, 422, "must be no more than 253 characters"),
        ({"metadata": "a"}, 400, "json: cannot unmarshal string into Go value of type v1.ObjectMeta"),
        ({"metadata": {"name": "a", "finalizers": ["a b"]}}, 422, "metadata.finalizers: Invalid value"),
        ({"spec": {"size": "large"}}, 422, "spec.size"),
    ],
)
async def test_a_bad_object_is_refused_with_the_reason(api, widgets, widget, change, status, words):
    body = {key: value for key, value in (widget("a") | change).items() if value is not None}
    found, _, message = await refused(api, "POST", widgets, body)
    assert (found, words in message) == (status, True), message
    assert (await api.ok("GET", widgets))["items"] == []


async def test_causes_name_every_field_that_is_wrong(api, widgets, widget):
    _, answer = await api.ask("POST", widgets, widget("a") | {"spec": {"size": 0, "colour": 3}})
    assert {cause["field"] for cause in answer["details"]["causes"]} == {"spec.size", "spec.colour"}


async def test_unknown_fields_are_refused_warned_of_or_dropped(api, widgets, widget):
    body = widget("a") | {"extra": 1}
    _, _, message = await refused(api, "POST", f"{widgets}?fieldValidation=Strict", body)
    assert 'strict decoding error: unknown field "extra"' in message
    async with api.session.post(widgets, json=body) as response:
        assert response.headers.getall("Warning") == ['299 - "unknown field \\"extra\\""']
        assert "extra" not in await response.json()
    async with api.session.post(
        f"{widgets}?fieldValidation=Ignore", json=body | {"metadata": {"name": "b"}}
    ) as response:
        assert "Warning" not in response.headers
    _, _, message = await refused(api, "POST", f"{widgets}?fieldValidation=Loud", body)
    assert 'supported values: "", "Ignore", "Strict", "Warn"' in message


async def test_a_version_at_creation_is_an_error_of_the_server(api, widgets, widget):
    status, answer = await api.ask("POST", widgets, widget("a", resourceVersion="5"))
    assert (status, answer["message"]) == (500, "resourceVersion should not be set on objects to be created")
    assert "reason" not in answer


async def test_fields_that_are_given_twice_are_refused_or_warned_of(api, widgets, widget):
    text = json.dumps(widget("a")).replace('"size": 1', '"size": 1, "size": 2')
    _, _, message = await refused(api, "POST", f"{widgets}?fieldValidation=Strict", text.encode())
    assert message.endswith('strict decoding error: duplicate field "spec.size"')
    yaml = {"Content-Type": "application/yaml"}
    body = "apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec:\n  size: 1\n  size: 2\n"
    async with api.session.post(widgets, data=body, headers=yaml) as response:
        assert response.headers.getall("Warning") == ['299 - "line 6: key \\"size\\" already set in map"']
        assert (await response.json())["spec"]["size"] == 2


async def test_warnings_come_with_failures_too(api, widgets, widget):
    body = widget("a", size=0) | {"extra": 1}
    async with api.session.post(widgets, json=body) as response:
        assert response.status == 422
        assert response.headers.getall("Warning") == ['299 - "unknown field \\"extra\\""']


async def test_a_patch_with_unknown_fields_is_refused_with_what_it_makes(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    path, kind = f"{widgets}/a?fieldValidation=Strict", "application/merge-patch+json"
    status, answer = await api.ask("PATCH", path, {"spec": {"zz": 1}}, type=kind)
    assert (status, answer["details"]["causes"][0]["field"]) == (422, "patch")
    assert answer["message"].startswith(' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":')
    assert answer["message"].endswith('strict decoding error: unknown field "spec.zz"')


async def test_metadata_that_stays_is_named_as_often_as_the_real_server_does(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    patch = {"metadata": {"uid": "z", "labels": {"a": "-"}}}
    _, answer = await api.ask("PATCH", f"{widgets}/a", patch, type="application/merge-patch+json")
    fields = [cause["field"] for cause in answer["details"]["causes"]]
    assert (fields.count("metadata.uid"), fields.count("metadata.labels")) == (2, 3)
    assert answer["message"].count("metadata.labels") == 1


async def test_what_was_written_before_a_schema_changed_is_read_by_the_new_one(api, widgets, widget):
    body = widget("a")
    body["spec"]["size"] = 3
    await api.ok("POST", widgets, body)
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com"
    fields = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties"
    ops = [
        {"op": "add", "path": f"{fields}/weight", "value": {"type": "integer", "default": 5}},
        {"op": "remove", "path": f"{fields}/size"},
    ]
    await api.ok("PATCH", path, ops, type="application/json-patch+json")
    want = {"colour": "red", "weight": 5}
    assert (await api.ok("GET", f"{widgets}/a"))["spec"] == want
    assert [item["spec"] for item in (await api.ok("GET", widgets))["items"]] == [want]


async def test_empty_metadata_says_nothing(api, widgets, widget):
    sent = widget("a", labels={}, annotations={}, finalizers=[], ownerReferences=[])
    meta = (await api.ok("POST", widgets, sent))["metadata"]
    assert not {"labels", "annotations", "finalizers", "ownerReferences"} & meta.keys()


async def test_an_apply_needs_a_manager_and_creates(api, widgets, widget):
    yaml = b"apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 3}\n"
    kind = "application/apply-patch+yaml"
    status, _, message = await refused(api, "PATCH", f"{widgets}/a", yaml, type=kind)
    assert (status, "is required for apply patch" in message) == (422, True)
    status, created = await api.ask("PATCH", f"{widgets}/a?fieldManager=me", yaml, type=kind)
    assert status == 201
    assert [entry["manager"] for entry in created["metadata"]["managedFields"]] == ["me"]
    status, again = await api.ask("PATCH", f"{widgets}/a?fieldManager=me", yaml, type=kind)
    assert (status, again) == (200, created)


async def test_an_apply_with_the_uid_of_an_object_that_has_gone_makes_no_other(api, widgets, widget):
    body = widget("one")
    body["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    path, apply = f"{widgets}/one?fieldManager=me", "application/apply-patch+yaml"
    code, status = await api.ask("PATCH", path, body, type=apply)
    assert (code, status["reason"]) == (409, "Conflict")
    assert status["message"].endswith(
        "uid mismatch: the provided object specified uid 11111111-1111-1111-1111-111111111111, "
        "and no existing object was found"
    )


async def test_an_apply_to_the_status_writes_the_status(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    patch = {"apiVersion": "shop.example.com/v1", "kind": "Widget", "metadata": {"name": "a"}}
    patch |= {"status": {"phase": "Done"}, "spec": {"size": 9}}
    kind = "application/apply-patch+yaml"
    answer = await api.ok("PATCH", f"{widgets}/a/status?fieldManager=me&force=true", patch, type=kind)
    assert (answer["status"], answer["spec"]["size"]) == ({"phase": "Done"}, 1)


async def test_writes_are_attributed_to_the_program_that_made_them(api, widgets, widget):
    agent = {"User-Agent": "painter/1.0 (linux)"}
    created = await api.ok("POST", widgets, widget("a"), headers=agent)
    (entry,) = created["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("painter", "Update")
    changed = await api.merge(f"{widgets}/a/status?fieldManager=b", {"status": {"phase": "Done"}})
    managers = {(e["manager"], e.get("subresource")) for e in changed["metadata"]["managedFields"]}
    assert managers == {("painter", None), ("b", "status")}


async def test_events_carry_no_managers(api):
    events = "/api/v1/namespaces/default/events"
    body = {"metadata": {"generateName": "e."}, "involvedObject": {"kind": "Pod", "name": "p"}, "reason": "R"}
    assert "managedFields" not in (await api.ok("POST", events, body))["metadata"]


async def test_preconditions_of_a_delete_are_checked(api, widgets, widget):
    created = await api.ok("POST", widgets, widget("a"))
    path = f"{widgets}/a"
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        status, reason, _ = await refused(api, "DELETE", path, {"preconditions": wrong})
        assert (status, reason) == (409, "Conflict")
    right = {"uid": created["metadata"]["uid"]}
    answer = await api.ok("DELETE", path, {"preconditions": right})
    assert (answer["status"], answer["details"]["uid"]) == ("Success", right["uid"])


async def test_removing_the_last_finalizer_of_a_deleted_object_ends_it(api, widgets, widget):
    await api.ok("POST", widgets, widget("a", finalizers=["x/y"]))
    marked = await api.ok("DELETE", f"{widgets}/a")
    assert marked["metadata"]["deletionTimestamp"]
    assert await api.ok("DELETE", f"{widgets}/a") == marked
    ops = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": marked["metadata"]["resourceVersion"]},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]
    answer = await api.ok("PATCH", f"{widgets}/a", ops, type="application/json-patch+json")
    assert answer["metadata"]["name"] == "a"
    assert (await refused(api, "GET", f"{widgets}/a"))[0] == 404


async def test_a_stale_test_in_a_json_patch_is_invalid_not_a_conflict(api, widgets, widget):
    """Kopf tells the two apart."""
    await api.ok("POST", widgets, widget("a"))
    ops = [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]
    status, reason, _ = await refused(api, "PATCH", f"{widgets}/a", ops, type="application/json-patch+json")
    assert (status, reason) == (422, "Invalid")


async def test_a_dry_run_answers_like_a_write_and_stores_nothing(api, widgets, widget):
    before = api.server.store.revision
    created = await api.ok("POST", f"{widgets}?dryRun=All", widget("a"))
    assert created["metadata"]["uid"]
    assert (await refused(api, "POST", f"{widgets}?dryRun=Some", widget("a")))[0] == 422
    assert api.server.store.revision == before


async def test_one_version_of_a_kind_is_shown_in_another(api, make_definition, widget):
    crd = make_definition("dials", "Dial")
    second = crd["spec"]["versions"][0] | {"name": "v2", "storage": False}
    crd["spec"]["versions"].append(second)
    await api.ok("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
    old = "/apis/shop.example.com/v1/namespaces/default/dials"
    new = old.replace("/v1/", "/v2/")
    await api.ok("POST", new, widget("d") | {"apiVersion": "shop.example.com/v2", "kind": "Dial"})
    assert (await api.ok("GET", f"{old}/d"))["apiVersion"] == "shop.example.com/v1"
    listed = await api.ok("GET", new)
    assert [item["apiVersion"] for item in listed["items"]] == ["shop.example.com/v2"]
    (event,) = await api.watch(new, 1)
    assert event["object"]["apiVersion"] == "shop.example.com/v2"


async def test_names_in_a_definition_cannot_be_changed(api, make_definition):
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com"
    status, answer = await api.ask(
        "PATCH", path, {"spec": {"scope": "Cluster"}}, type="application/merge-patch+json"
    )
    assert (status, "field is immutable" in answer["message"]) == (422, True)


async def test_a_changed_definition_holds_at_once(api, widgets, widget):
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com"
    schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/minimum"
    ops = [{"op": "replace", "path": schema, "value": 10}]
    await api.ok("PATCH", path, ops, type="application/json-patch+json")
    assert (await refused(api, "POST", widgets, widget("a", size=5)))[0] == 422
