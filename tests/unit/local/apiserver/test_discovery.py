"""Discovery in both forms, and how it follows definitions."""

import pytest

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def aggregated(api, path):
    async with api.session.get(path, headers={"Accept": AGGREGATED}) as response:
        assert response.headers["Content-Type"].endswith("as=APIGroupDiscoveryList")
        answer = await response.json()
    return {
        (group["metadata"]["name"], version["version"], resource["resource"]): resource
        for group in answer["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }


async def test_the_core_group_is_apart(api):
    assert {group for group, _, _ in await aggregated(api, "/api")} == {""}
    assert "" not in {group for group, _, _ in await aggregated(api, "/apis")}


async def test_a_custom_kind_is_described_in_full(api):
    found = (await aggregated(api, "/apis"))[("shop.example.com", "v1", "widgets")]
    assert found["responseKind"] == {"group": "shop.example.com", "version": "v1", "kind": "Widget"}
    assert (found["scope"], found["singularResource"]) == ("Namespaced", "widget")
    assert {"list", "watch", "patch", "create", "delete"} <= set(found["verbs"])
    (status,) = found["subresources"]
    assert (status["subresource"], status["verbs"]) == ("status", ["get", "patch", "update"])


async def test_the_legacy_form_says_the_same(api):
    answer = await api.ok("GET", "/apis/shop.example.com/v1")
    assert [(r["name"], r["kind"], r["namespaced"]) for r in answer["resources"]] == [
        ("widgets", "Widget", True),
        ("widgets/status", "Widget", True),
    ]
    assert "shortNames" not in answer["resources"][1]
    groups = await api.ok("GET", "/apis")
    assert "shop.example.com" in [group["name"] for group in groups["groups"]]
    assert (await api.ok("GET", "/apis/shop.example.com"))["preferredVersion"]["version"] == "v1"
    assert (await api.ok("GET", "/api"))["versions"] == ["v1"]
    assert "pods/log" in [r["name"] for r in (await api.ok("GET", "/api/v1"))["resources"]]


async def test_a_definition_is_discovered_as_soon_as_it_is_acknowledged(api, make_definition):
    names = {"plural": "dials", "kind": "Dial", "shortNames": ["dl"], "categories": ["all"]}
    created = await api.ok("POST", CRDS, make_definition("dials", "Dial", names=names, scope="Cluster"))
    assert {c["type"]: c["status"] for c in created["status"]["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert created["status"]["storedVersions"] == ["v1"]
    assert created["status"]["acceptedNames"]["singular"] == "dial"
    found = (await aggregated(api, "/apis"))[("shop.example.com", "v1", "dials")]
    assert (found["scope"], found["shortNames"], found["categories"]) == ("Cluster", ["dl"], ["all"])
    assert (await api.ok("GET", "/apis/shop.example.com/v1/dials"))["kind"] == "DialList"


async def test_a_version_that_is_not_served_is_not_there(api, make_definition):
    crd = make_definition("dials", "Dial")
    crd["spec"]["versions"].append(
        crd["spec"]["versions"][0] | {"name": "v2", "storage": False, "served": False}
    )
    await api.ok("POST", CRDS, crd)
    assert (await api.ask("GET", "/apis/shop.example.com/v2"))[0] == 404


async def test_the_openapi_document_lets_kubectl_leave_validation_to_the_server(api):
    index = await api.ok("GET", "/openapi/v3")
    path = index["paths"]["apis/shop.example.com/v1"]["serverRelativeURL"]
    document = await api.ok("GET", path)
    patch = document["paths"]["/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert "fieldValidation" in [parameter["name"] for parameter in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Widget"


async def test_the_old_openapi_document_is_empty_but_there(api):
    async with api.session.get("/openapi/v2") as response:
        assert (response.status, await response.read()) == (200, b"\x0a\x032.0")


@pytest.mark.parametrize(
    ("path", "headers"), [("/apis", {"Accept": AGGREGATED}), ("/openapi/v3", {}), ("/openapi/v3/api/v1", {})]
)
async def test_a_client_that_has_a_document_is_not_sent_it_again(api, path, headers):
    async with api.session.get(path, headers=headers) as response:
        tag = response.headers["ETag"]
        assert response.status == 200
    async with api.session.get(path, headers=headers | {"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")


@pytest.mark.parametrize(("path", "headers"), [("/apis", {"Accept": AGGREGATED}), ("/openapi/v3", {})])
async def test_a_new_kind_is_another_document(api, make_definition, path, headers):
    async with api.session.get(path, headers=headers) as response:
        tag = response.headers["ETag"]
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.ok("POST", crds, make_definition("gadgets", "Gadget"))
    async with api.session.get(path, headers=headers | {"If-None-Match": tag}) as response:
        assert response.status == 200
        assert response.headers["ETag"] != tag


async def test_the_index_of_openapi_leads_to_documents_that_never_change(api):
    paths = (await api.ok("GET", "/openapi/v3"))["paths"]
    url = paths["apis/shop.example.com/v1"]["serverRelativeURL"]
    async with api.session.get(url) as response:
        assert response.headers["Cache-Control"] == "public, immutable"
    async with api.session.get(url.partition("?")[0]) as response:
        assert response.headers["Cache-Control"] == "no-cache, private"
