"""``kubectl delete``: at once, held by finalizers, with dependents, with a namespace, with a definition."""

import json

import pytest

from mlplane.local.apiserver.deletion import PROTECTED


@pytest.fixture
def family(cluster, widget):
    """A widget with a child and a grandchild."""
    uid = ""
    for name, owner in (("parent", None), ("child", "parent"), ("grandchild", "child")):
        reference = {
            "apiVersion": "shop.example.com/v1",
            "kind": "Widget",
            "name": owner,
            "uid": uid,
            "blockOwnerDeletion": True,
        }
        body = widget(name, **({"ownerReferences": [reference]} if owner else {}))
        done = cluster.kubectl("create", "-f", "-", "-o", "json", stdin=body)
        uid = json.loads(done.stdout)["metadata"]["uid"]
    return cluster


def names(cluster):
    return cluster.kubectl("get", "wd", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()


def hold(cluster, name, finalizers):
    body = json.dumps({"metadata": {"finalizers": finalizers}})
    cluster.kubectl("patch", "wd", name, "--type=merge", "-p", body)


def test_delete_waits_until_the_object_is_gone(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a"))
    assert "deleted" in cluster.kubectl("delete", "wd", "a", "--timeout=60s").stdout
    assert cluster.object("wd", "a") == {}


def test_all_and_selected_objects_are_deleted(cluster, widget):
    for name in ("a", "b", "c"):
        cluster.kubectl("create", "-f", "-", stdin=widget(name, labels={"n": name}))
    cluster.kubectl("delete", "wd", "-l", "n=b")
    assert names(cluster) == ["a", "c"]
    cluster.kubectl("delete", "wd", "--all")
    assert names(cluster) == []


def test_deleting_what_is_not_there_says_so(cluster):
    done = cluster.kubectl("delete", "wd", "nobody", check=False)
    assert "NotFound" in done.stderr
    cluster.kubectl("delete", "wd", "nobody", "--ignore-not-found")


def test_a_finalizer_holds_the_object_until_it_is_removed(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a", finalizers=["shop.example.com/hold"]))
    deleting = cluster.background("delete", "wd", "a", "--timeout=60s")
    cluster.kubectl("wait", "wd/a", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=60s")
    assert not deleting.is_over
    more = '[{"op": "add", "path": "/metadata/finalizers/-", "value": "shop.example.com/more"}]'
    refused = cluster.kubectl("patch", "wd", "a", "--type=json", "-p", more, check=False)
    assert "no new finalizers can be added if the object is being deleted" in refused.stderr
    hold(cluster, "a", None)
    assert "deleted" in deleting.rest()
    assert cluster.object("wd", "a") == {}


def test_dependents_follow_in_the_background(family):
    family.kubectl("delete", "wd", "parent")
    for name in ("child", "grandchild"):
        family.kubectl("wait", f"wd/{name}", "--for=delete", "--timeout=60s")
    assert names(family) == []


def test_in_the_foreground_the_owner_goes_last(family):
    hold(family, "grandchild", ["shop.example.com/hold"])
    family.kubectl("delete", "wd", "parent", "--cascade=foreground", "--wait=false")
    family.kubectl("wait", "wd/grandchild", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=60s")
    assert names(family) == ["child", "grandchild", "parent"]
    hold(family, "grandchild", None)
    family.kubectl("wait", "wd/parent", "--for=delete", "--timeout=60s")
    assert names(family) == []


def test_orphans_stay_and_forget_their_owner(family):
    family.kubectl("delete", "wd", "parent", "--cascade=orphan", "--timeout=60s")
    assert names(family) == ["child", "grandchild"]
    assert "ownerReferences" not in family.object("wd", "child")["metadata"]
    assert family.object("wd", "grandchild")["metadata"]["ownerReferences"][0]["name"] == "child"


def test_an_object_whose_owner_never_existed_is_collected(cluster, widget):
    ghost = {"apiVersion": "shop.example.com/v1", "kind": "Widget", "name": "ghost", "uid": "no-such-uid"}
    cluster.kubectl("create", "-f", "-", stdin=widget("a", ownerReferences=[ghost]))
    cluster.kubectl("wait", "wd/a", "--for=delete", "--timeout=60s")


def test_a_namespace_takes_its_content_along(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a"))
    cluster.kubectl("create", "configmap", "c", "--from-literal=a=1")
    cluster.kubectl("delete", "namespace", cluster.namespace, "--timeout=60s")
    assert cluster.kubectl("get", "wd,cm", "-o", "name").stdout == ""
    done = cluster.kubectl("create", "configmap", "c", check=False)
    assert "not found" in done.stderr


def test_a_namespace_terminates_until_its_content_is_gone(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a", finalizers=["shop.example.com/hold"]))
    cluster.kubectl("delete", "namespace", cluster.namespace, "--wait=false")
    cluster.kubectl("wait", "wd/a", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=60s")
    cluster.kubectl(
        "wait", f"ns/{cluster.namespace}", "--for=condition=NamespaceFinalizersRemaining", "--timeout=60s"
    )
    assert cluster.object("ns", cluster.namespace)["status"]["phase"] == "Terminating"
    refused = cluster.kubectl("create", "configmap", "late", check=False)
    assert "because it is being terminated" in refused.stderr
    hold(cluster, "a", None)
    cluster.kubectl("wait", f"ns/{cluster.namespace}", "--for=delete", "--timeout=60s")


@pytest.mark.parametrize("name", PROTECTED)
def test_the_servers_own_namespaces_stay(cluster, name):
    done = cluster.kubectl("delete", "ns", name, check=False)
    assert "this namespace may not be deleted" in done.stderr


def test_a_definition_goes_after_its_instances(cluster, widget):
    crd = cluster.object("crd", "widgets.shop.example.com")
    crd["metadata"] = {"name": "things.shop.example.com"}
    crd["spec"]["names"] = {"plural": "things", "kind": "Thing"}
    del crd["status"]
    cluster.kubectl("create", "-f", "-", stdin=crd)
    thing = {**widget("t", finalizers=["shop.example.com/hold"]), "kind": "Thing"}
    cluster.kubectl("create", "-f", "-", stdin=thing)
    watch = cluster.background("get", "things.shop.example.com", "-w", "-o", "name")
    assert watch.line() == "thing.shop.example.com/t\n"
    cluster.kubectl("delete", "crd", "things.shop.example.com", "--wait=false")
    cluster.kubectl("wait", "crd/things.shop.example.com", "--for=condition=Terminating", "--timeout=60s")
    late = cluster.kubectl("create", "-f", "-", stdin={**widget("late"), "kind": "Thing"}, check=False)
    assert "create not allowed while custom resource definition is terminating" in late.stderr
    cluster.kubectl("patch", "things", "t", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    cluster.kubectl("wait", "crd/things.shop.example.com", "--for=delete", "--timeout=60s")
    watch.rest()  # the watch of a kind that is gone ends
    assert cluster.kubectl("get", "things", check=False).returncode == 1


def test_a_dry_run_deletes_nothing(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a"))
    cluster.kubectl("delete", "wd", "a", "--dry-run=server")
    assert names(cluster) == ["a"]


def test_a_pod_on_a_node_ends_gracefully_and_one_without_at_once(cluster):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    cluster.kubectl("create", "-f", "-", stdin=pod)
    cluster.kubectl("delete", "pod", "p", "--timeout=60s")
    pod["spec"]["nodeName"] = "somewhere"
    cluster.kubectl("create", "-f", "-", stdin=pod)
    cluster.kubectl("delete", "pod", "p", "--wait=false")
    assert cluster.object("pod", "p")["metadata"]["deletionGracePeriodSeconds"] == 30
    cluster.kubectl("delete", "pod", "p", "--grace-period=0", "--force", "--timeout=60s")
    assert cluster.object("pod", "p") == {}
