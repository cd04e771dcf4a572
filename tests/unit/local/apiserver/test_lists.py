"""Lists: pages, past states, and tokens that lead on when the past is forgotten."""

import base64
import json

import pytest

from mlplane.local.apiserver import history

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
EVERYWHERE = "/api/v1/configmaps"


async def fill(api, names, namespace="default"):
    for name in names:
        path = CONFIG_MAPS.replace("default", namespace)
        await api.ok("POST", path, {"metadata": {"name": name, "labels": {"first": name[0]}}})


def names(answer):
    return [item["metadata"]["name"] for item in answer["items"]]


def version(answer):
    return answer["metadata"]["resourceVersion"]


def token(**parts):
    body = {"v": "meta.k8s.io/v1", "rv": 1, "start": "b\0"} | parts
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


async def pages(api, path, **parameters):
    found = [await api.ok("GET", path, params=parameters)]
    while proceed := found[-1]["metadata"].get("continue"):
        found.append(await api.ok("GET", path, params=parameters | {"continue": proceed}))
    return found


async def test_pages_show_the_state_of_the_first_one(api):
    await fill(api, "abcde")
    first = await api.ok("GET", f"{CONFIG_MAPS}?limit=2")
    await api.ok("DELETE", f"{CONFIG_MAPS}/d")
    await api.merge(f"{CONFIG_MAPS}/e", {"data": {"changed": "yes"}})
    await fill(api, ["bb", "cc"])
    assert first["metadata"]["remainingItemCount"] == 3
    rest = [first]
    while proceed := rest[-1]["metadata"].get("continue"):
        rest.append(await api.ok("GET", CONFIG_MAPS, params={"limit": "2", "continue": proceed}))
    assert [name for page in rest for name in names(page)] == list("abcde")
    assert len({version(page) for page in rest}) == 1
    assert "data" not in rest[-1]["items"][-1]


async def test_pages_of_all_namespaces_are_in_order(api):
    for namespace in ("a", "a-b", "b"):
        await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        await fill(api, ["x", "y"], namespace)
    found = [
        (item["metadata"]["namespace"], item["metadata"]["name"])
        for page in await pages(api, EVERYWHERE, limit="1")
        for item in page["items"]
    ]
    # As etcd sorts keys: "a-b/" comes before "a/".
    assert found == [(namespace, name) for namespace in ("a-b", "a", "b") for name in "xy"]


async def test_selected_pages_do_not_count_what_remains(api):
    await fill(api, ["a1", "a2", "b1", "a3"])
    found = await pages(api, CONFIG_MAPS, limit="2", labelSelector="first=a")
    assert [names(page) for page in found] == [["a1", "a2"], ["a3"]]
    assert "remainingItemCount" not in found[0]["metadata"]


async def test_a_list_of_the_past_is_the_past(api):
    await fill(api, "ab")
    old = version(await api.ok("GET", CONFIG_MAPS))
    await api.ok("DELETE", f"{CONFIG_MAPS}/a")
    await fill(api, "c")
    exactly = {"resourceVersion": old, "resourceVersionMatch": "Exact"}
    assert names(await api.ok("GET", CONFIG_MAPS, params=exactly)) == ["a", "b"]
    assert names(await api.ok("GET", CONFIG_MAPS, params={"resourceVersion": old, "limit": "1"})) == ["a"]
    assert names(await api.ok("GET", CONFIG_MAPS, params={"resourceVersion": old})) == ["b", "c"]
    newer = exactly | {"resourceVersionMatch": "NotOlderThan", "limit": "5"}
    assert names(await api.ok("GET", CONFIG_MAPS, params=newer)) == ["b", "c"]


async def test_any_version_means_all_at_once(api):
    await fill(api, "abc")
    answer = await api.ok("GET", f"{CONFIG_MAPS}?limit=2&resourceVersion=0")
    assert names(answer) == ["a", "b", "c"]


async def test_an_expired_token_comes_with_another_that_leads_on(api, monkeypatch):
    await fill(api, "abcd")
    first = await api.ok("GET", f"{CONFIG_MAPS}?limit=2")
    monkeypatch.setattr(history, "KEPT_CHANGES", 1)
    await api.ok("DELETE", f"{CONFIG_MAPS}/c")
    await fill(api, "e")
    lost = {"limit": "5", "continue": first["metadata"]["continue"]}
    status, answer = await api.ask("GET", CONFIG_MAPS, params=lost)
    assert (status, answer["reason"]) == (410, "Expired")
    assert "inconsistent list" in answer["message"]
    found = await api.ok("GET", CONFIG_MAPS, params=lost | {"continue": answer["metadata"]["continue"]})
    assert names(found) == ["d", "e"]
    exact = {"resourceVersion": version(first), "resourceVersionMatch": "Exact"}
    status, answer = await api.ask("GET", CONFIG_MAPS, params=exact)
    assert (status, answer["message"]) == (410, "The resourceVersion for the provided list is too old.")


async def test_a_list_of_the_future_is_not_given(api):
    for parameters in ({"resourceVersion": "99999"}, {"limit": "1", "continue": token(rv=99999)}):
        status, answer = await api.ask("GET", CONFIG_MAPS, params=parameters)
        assert (status, answer["reason"]) == (504, "Timeout")
        assert answer["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert answer["message"].startswith("Timeout: Too large resource version: 99999, current: ")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("abc", "invalid character 'i' looking for beginning of value"),
        (token(v="v9"), "server does not recognize this encoded version v9"),
        (token(rv=0), "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (token(start=""), "encoded start key empty (version meta.k8s.io/v1)"),
        (token(start="../x"), "../x"),
    ],
)
async def test_a_token_that_is_none_is_refused(api, sent, why):
    status, answer = await api.ask("GET", CONFIG_MAPS, params={"limit": "2", "continue": sent})
    assert status == 400
    assert answer["message"] == f"invalid continue token: continue key is not valid: {why}"


async def test_a_token_and_a_version_do_not_go_together(api):
    parameters = {"continue": token(), "resourceVersion": "1"}
    status, answer = await api.ask("GET", CONFIG_MAPS, params=parameters)
    assert status == 400
    assert answer["message"] == "specifying resource version is not allowed when using continue"


async def test_only_lists_of_custom_resources_say_that_there_is_no_next_page(api, widgets):
    assert (await api.ok("GET", widgets))["metadata"]["continue"] == ""
    assert "continue" not in (await api.ok("GET", CONFIG_MAPS))["metadata"]
