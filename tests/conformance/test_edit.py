"""``kubectl patch``, ``label``, ``annotate``, ``replace`` and ``edit``: what may be changed, and by whom."""

import json

import pytest


@pytest.fixture
def one(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a", size=1, labels={"app": "x"}))
    return cluster


def patch(cluster, kind, body, *arguments, check=True):
    return cluster.kubectl(
        "patch", "wd", "a", f"--type={kind}", "-p", json.dumps(body), *arguments, check=check
    )


def test_a_merge_patch_changes_and_null_removes(one):
    patch(one, "merge", {"spec": {"size": 2}, "metadata": {"labels": {"app": None}}})
    found = one.object("wd", "a")
    assert found["spec"]["size"] == 2
    assert "labels" not in found["metadata"]


def test_a_json_patch_changes(one):
    patch(one, "json", [{"op": "replace", "path": "/spec/size", "value": 4}])
    assert one.object("wd", "a")["spec"]["size"] == 4


def test_a_json_patch_whose_test_fails_is_invalid_and_changes_nothing(one):
    before = one.object("wd", "a")
    ops = [
        {"op": "test", "path": "/spec/size", "value": 9},
        {"op": "replace", "path": "/spec/size", "value": 4},
    ]
    done = patch(one, "json", ops, check=False)
    assert done.returncode == 1
    assert "is invalid" in done.stderr or "Invalid" in done.stderr
    assert one.object("wd", "a") == before


def test_a_strategic_patch_of_a_custom_kind_is_refused(one):
    done = patch(one, "strategic", {"spec": {"size": 2}}, check=False)
    assert "application/strategic-merge-patch+json is not supported" in done.stderr


def test_a_patch_that_changes_nothing_writes_nothing(one):
    before = one.object("wd", "a")
    assert (
        patch(one, "merge", {"spec": {"size": 1}}).stdout == "widget.shop.example.com/a patched (no change)\n"
    )
    assert one.object("wd", "a") == before


def test_a_patch_with_a_stale_version_conflicts(one):
    stale = one.object("wd", "a")["metadata"]["resourceVersion"]
    patch(one, "merge", {"spec": {"size": 2}})
    done = patch(one, "merge", {"metadata": {"resourceVersion": stale}, "spec": {"size": 3}}, check=False)
    assert "the object has been modified" in done.stderr
    assert one.object("wd", "a")["spec"]["size"] == 2


def test_the_object_and_its_status_are_written_separately(one):
    patch(one, "merge", {"status": {"phase": "Lost"}})
    assert "status" not in one.object("wd", "a")
    patch(one, "merge", {"status": {"phase": "Kept"}, "spec": {"size": 50}}, "--subresource=status")
    found = one.object("wd", "a")
    assert (found["status"], found["spec"]["size"]) == ({"phase": "Kept"}, 1)
    assert found["metadata"]["generation"] == 1


def test_without_the_subresource_status_is_a_field_like_others(api_server, one):
    """As Argo's Workflow: a plain patch keeps .status, and /status does not exist."""
    crd = json.loads(one.kubectl("get", "crd", "widgets.shop.example.com", "-o", "json").stdout)
    version = {k: v for k, v in crd["spec"]["versions"][0].items() if k != "subresources"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "plains.shop.example.com"},
        "spec": {
            "group": "shop.example.com",
            "scope": "Namespaced",
            "names": {"plural": "plains", "kind": "Plain"},
            "versions": [version],
        },
    }
    one.kubectl("apply", "--server-side", "-f", "-", stdin=crd)
    plain = {
        "apiVersion": "shop.example.com/v1",
        "kind": "Plain",
        "metadata": {"name": "p"},
        "spec": {"size": 1},
        "status": {"phase": "New"},
    }
    one.kubectl("create", "-f", "-", stdin=plain)
    assert one.object("plain", "p")["status"] == {"phase": "New"}
    one.kubectl("patch", "plain", "p", "--type=merge", "-p", '{"status": {"phase": "Old"}}')
    assert one.object("plain", "p")["status"] == {"phase": "Old"}
    done = one.kubectl(
        "patch", "plain", "p", "--type=merge", "--subresource=status", "-p", '{"status": {}}', check=False
    )
    assert "NotFound" in done.stderr
    one.kubectl("delete", "crd", "plains.shop.example.com", "--timeout=60s")


def test_labels_and_annotations_are_set_and_removed(one):
    one.kubectl("label", "wd", "a", "k=v", "app-")
    one.kubectl("annotate", "wd", "a", "note=two words")
    meta = one.object("wd", "a")["metadata"]
    assert meta["labels"] == {"k": "v"}
    assert meta["annotations"] == {"note": "two words"}
    assert meta["generation"] == 1


def test_replace_needs_the_version_that_was_read(one):
    read = one.object("wd", "a")
    read["spec"]["size"] = 6
    one.kubectl("replace", "-f", "-", stdin=read)
    assert one.object("wd", "a")["spec"]["size"] == 6
    done = one.kubectl("replace", "-f", "-", stdin=read, check=False)
    assert "the object has been modified" in done.stderr


def test_edit_saves_what_the_editor_wrote(one, tmp_path):
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/size: 1/size: 9/" "$1"\n')
    editor.chmod(0o755)
    done = one.background("edit", "wd", "a", KUBE_EDITOR=str(editor))
    assert done.rest() == "widget.shop.example.com/a edited\n"
    assert one.object("wd", "a")["spec"]["size"] == 9


def test_name_and_identity_cannot_be_changed(one):
    before = one.object("wd", "a")["metadata"]
    patch(one, "merge", {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 99}})
    assert one.object("wd", "a")["metadata"] == before
    assert patch(one, "merge", {"metadata": {"name": "b"}}, check=False).returncode == 1
    assert patch(one, "merge", {"metadata": {"uid": "0000"}}, check=False).returncode == 1
    assert one.object("wd", "a")["metadata"] == before


def test_an_immutable_config_map_stays(cluster):
    cluster.kubectl("create", "configmap", "c", "--from-literal=a=1")
    cluster.kubectl("patch", "cm", "c", "-p", '{"immutable": true}')
    done = cluster.kubectl("patch", "cm", "c", "-p", '{"data": {"a": "2"}}', check=False)
    assert "field is immutable when `immutable` is set" in done.stderr
