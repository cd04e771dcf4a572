"""What a DELETE may say, what it is answered, and how a namespace ends."""

import asyncio
import time

import pytest

from mlplane.local.apiserver.deleteoptions import delete_options
from mlplane.local.apiserver.statuses import ApiError

NAMESPACES = "/api/v1/namespaces"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


async def eventually(ask, what):
    deadline = time.monotonic() + 10
    while not (answer := await ask()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)
    return answer


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            {"propagationPolicy": "Bad"},
            'propagationPolicy: Unsupported value: "Bad": supported values: '
            '"Foreground", "Background", "Orphan", "nil"',
        ),
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            'propagationPolicy: Invalid value: "Orphan": '
            "orphanDependents and deletionPropagation cannot be both set",
        ),
        ({"dryRun": ["Bad"]}, 'dryRun: Unsupported value: ["Bad"]: supported values: "All"'),
    ],
)
def test_options_that_make_no_sense_are_invalid(body, problem):
    with pytest.raises(ApiError) as refused:
        delete_options({}, body)
    assert refused.value.code == 422
    assert refused.value.message == f'DeleteOptions.meta.k8s.io "" is invalid: {problem}'


@pytest.mark.parametrize(
    ("query", "body", "want"),
    [
        ({}, None, None),
        ({"propagationPolicy": "Orphan"}, None, "Orphan"),
        ({"propagationPolicy": "Orphan"}, {}, None),  # a body, even an empty one, counts alone
        ({"orphanDependents": "true"}, None, "Orphan"),
        ({}, {"orphanDependents": False}, "Background"),
    ],
)
def test_the_policy_is_in_the_body_or_in_the_query(query, body, want):
    assert delete_options(query, body).propagation == want


@pytest.mark.parametrize(
    ("preconditions", "words"),
    [
        ({"uid": "x"}, "the UID in the precondition (x) does not match the UID in record ("),
        ({"resourceVersion": "1"}, "the ResourceVersion in the precondition (1) does not match the "),
    ],
)
async def test_a_precondition_that_fails_is_a_conflict(api, preconditions, words):
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    status, answer = await api.ask("DELETE", f"{CONFIG_MAPS}/a", {"preconditions": preconditions})
    assert (status, answer["reason"]) == (409, "Conflict")
    assert answer["message"].startswith(f'Operation cannot be fulfilled on ConfigMap "a": {words}')


async def test_a_name_that_is_being_deleted_is_taken(api):
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a", "finalizers": ["x/y"]}})
    await api.ok("DELETE", f"{CONFIG_MAPS}/a")
    status, answer = await api.ask("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    assert (status, answer["reason"]) == (409, "AlreadyExists")
    assert answer["message"] == 'object is being deleted: configmaps "a" already exists'


async def held_namespace(api, name="ns"):
    await api.ok("POST", NAMESPACES, {"metadata": {"name": name}})
    path = f"{NAMESPACES}/{name}/configmaps"
    await api.ok("POST", path, {"metadata": {"name": "held", "finalizers": ["x/y"]}})
    deleted = await api.ok("DELETE", f"{NAMESPACES}/{name}")
    return path, deleted


async def test_a_namespace_tells_what_it_waits_for(api):
    path, deleted = await held_namespace(api)
    assert deleted["status"]["phase"] == "Terminating"
    assert "deletionGracePeriodSeconds" not in deleted["metadata"]

    async def conditions():
        found = (await api.ok("GET", f"{NAMESPACES}/ns"))["status"].get("conditions", ())
        return {each["type"]: (each["status"], each["reason"], each["message"]) for each in found}

    assert await eventually(conditions, "there are conditions") == {
        "NamespaceDeletionDiscoveryFailure": (
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        "NamespaceDeletionGroupVersionParsingFailure": (
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        "NamespaceDeletionContentFailure": (
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        "NamespaceContentRemaining": (
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: configmaps. has 1 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
        ),
    }
    await api.merge(f"{path}/held", {"metadata": {"finalizers": None}})
    await eventually(lambda: gone(api, "ns"), "the namespace is gone")


async def gone(api, name):
    return (await api.ask("GET", f"{NAMESPACES}/{name}"))[0] == 404


@pytest.mark.parametrize("meta", [{"name": "new"}, {"generateName": "new"}])
async def test_nothing_new_comes_into_a_namespace_that_ends(api, meta):
    path, _ = await held_namespace(api)
    status, answer = await api.ask("POST", path, {"metadata": meta})
    assert (status, answer["reason"], answer["details"]["name"]) == (403, "Forbidden", "new")
    assert answer["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace ns is being terminated",
            "field": "metadata.namespace",
        }
    ]


@pytest.mark.parametrize("policy", ["Foreground", "Orphan"])
async def test_a_namespace_goes_whatever_the_policy(api, policy):
    await api.ok("POST", NAMESPACES, {"metadata": {"name": "ns"}})
    await api.ok("POST", f"{NAMESPACES}/ns/configmaps", {"metadata": {"name": "a"}})
    await api.ok("DELETE", f"{NAMESPACES}/ns", {"propagationPolicy": policy})
    await eventually(lambda: gone(api, "ns"), "the namespace is gone")


async def test_a_finalizer_of_a_namespace_is_removed_by_finalize_alone(api):
    path = f"{NAMESPACES}/ns"
    body = {"metadata": {"name": "ns"}, "spec": {"finalizers": ["x.y/z"]}}
    made = await api.ok("POST", NAMESPACES, body)
    assert made["spec"]["finalizers"] == ["x.y/z", "kubernetes"]
    patched = await api.merge(path, {"spec": {"finalizers": []}})
    assert patched["spec"]["finalizers"] == ["x.y/z", "kubernetes"]
    await api.ok("DELETE", path)

    async def only_mine():
        return (await api.ok("GET", path))["spec"]["finalizers"] == ["x.y/z"]

    await eventually(only_mine, "the server has removed its own finalizer")
    await api.ok("PUT", f"{path}/finalize", {"metadata": {"name": "ns"}, "spec": {}})
    assert await gone(api, "ns")


async def test_the_phase_of_a_namespace_is_what_it_is(api):
    await api.ok("POST", NAMESPACES, {"metadata": {"name": "ns"}})
    patch = {"status": {"phase": "Terminating"}}
    kind = "application/merge-patch+json"
    status, answer = await api.ask("PATCH", f"{NAMESPACES}/ns/status", patch, type=kind)
    assert status == 422
    assert answer["details"]["causes"][0]["field"] == "status.Phase"


async def test_a_collection_is_deleted_as_far_as_it_is_listed(api, widgets, widget):
    for name in "abc":
        await api.ok("POST", widgets, widget(name))
    gone_now = await api.ok("DELETE", f"{widgets}?limit=1")
    assert [item["metadata"]["name"] for item in gone_now["items"]] == ["a"]
    assert gone_now["metadata"]["remainingItemCount"] == 2
    tried = await api.ok("DELETE", widgets, {"dryRun": ["All"]})
    assert len(tried["items"]) == 2
    await api.ok("DELETE", f"{widgets}?fieldSelector=metadata.name%3Dc")
    assert [item["metadata"]["name"] for item in (await api.ok("GET", widgets))["items"]] == ["b"]


async def test_nothing_new_is_made_of_a_kind_that_ends(api, widgets, widget):
    await api.ok("POST", widgets, widget("a", finalizers=["x/y"]))
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.ok("DELETE", f"{crds}/widgets.shop.example.com")
    status, answer = await api.ask("POST", widgets, widget("b"))
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert "custom resource definition is terminating" in answer["message"]
