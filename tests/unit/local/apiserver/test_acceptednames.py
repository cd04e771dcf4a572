"""Names that two definitions of a group want: the first has them, the other waits until they are free."""

import json

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def conditions(crd):
    return {each["type"]: (each["status"], each["reason"]) for each in crd["status"]["conditions"]}


def named(make_definition, plural, kind, **names):
    body = make_definition(plural, kind)
    body["spec"]["names"] |= names
    return body


async def until_accepted(api, name):
    """Watch a definition until its names are its own."""
    query = {"watch": "true", "timeoutSeconds": "10", "fieldSelector": f"metadata.name={name}"}
    async with api.session.get(CRDS, params=query) as response:
        async for line in response.content:
            crd = json.loads(line)["object"]
            if conditions(crd)["NamesAccepted"][0] == "True":
                return crd
    raise AssertionError(f"{name} got no names in 10 s")


async def test_a_kind_that_is_taken_is_not_served(api, make_definition):
    crd = await api.ok("POST", CRDS, make_definition("gadgets", "Widget"))
    assert conditions(crd) == {
        "NamesAccepted": ("False", "ListKindConflict"),
        "Established": ("False", "NotAccepted"),
    }
    assert crd["status"]["acceptedNames"] == {"kind": "", "plural": "gadgets"}
    status, _ = await api.ask("GET", "/apis/shop.example.com/v1/gadgets")
    assert status == 404


async def test_the_same_names_in_another_group_are_nobody_elses(api, make_definition):
    body = make_definition(group="other.example.com")
    body["metadata"]["name"] = "widgets.other.example.com"
    crd = await api.ok("POST", CRDS, body)
    assert conditions(crd)["Established"] == ("True", "InitialNamesAccepted")


async def test_a_kind_is_served_once_the_definition_that_had_its_name_is_gone(api, make_definition):
    await api.ok("POST", CRDS, make_definition("gadgets", "Widget"))
    await api.ok("DELETE", f"{CRDS}/widgets.shop.example.com")
    crd = await until_accepted(api, "gadgets.shop.example.com")
    assert conditions(crd)["Established"][0] == "True"
    assert (await api.ok("GET", "/apis/shop.example.com/v1/gadgets"))["kind"] == "WidgetList"


async def test_a_kind_that_is_served_stays_so_while_it_waits_for_a_short_name(api, make_definition):
    await api.ok("POST", CRDS, named(make_definition, "gadgets", "Gadget", shortNames=["g"]))
    await api.ok("POST", CRDS, named(make_definition, "gears", "Gear", shortNames=["ge"]))
    path = f"{CRDS}/gears.shop.example.com"
    crd = await api.merge(path, {"spec": {"names": {"shortNames": ["ge", "g"]}}})
    assert conditions(crd) == {
        "NamesAccepted": ("False", "ShortNamesConflict"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert crd["status"]["acceptedNames"]["shortNames"] == ["ge"]
    await api.merge(f"{CRDS}/gadgets.shop.example.com", {"spec": {"names": {"shortNames": []}}})
    crd = await until_accepted(api, "gears.shop.example.com")
    assert crd["status"]["acceptedNames"]["shortNames"] == ["ge", "g"]


async def test_several_short_names_that_are_taken_are_all_told(api, make_definition):
    await api.ok("POST", CRDS, named(make_definition, "gadgets", "Gadget", shortNames=["g", "gd"]))
    crd = await api.ok("POST", CRDS, named(make_definition, "gears", "Gear", shortNames=["g", "gd"]))
    messages = [each["message"] for each in crd["status"]["conditions"]]
    assert messages[0] == '["g" is already in use, "gd" is already in use]'
