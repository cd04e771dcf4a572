"""``kubectl apply`` and ``diff``, on the client's side and on the server's."""

import json


def apply(cluster, body, *arguments, check=True):
    return cluster.kubectl("apply", "-f", "-", *arguments, stdin=body, check=check)


def test_apply_creates_then_leaves_alone_then_changes(cluster, widget):
    assert apply(cluster, widget("a")).stdout == "widget.shop.example.com/a created\n"
    before = cluster.object("widget", "a")
    assert apply(cluster, widget("a")).stdout == "widget.shop.example.com/a unchanged\n"
    assert cluster.object("widget", "a") == before
    assert apply(cluster, widget("a", size=2)).stdout == "widget.shop.example.com/a configured\n"
    after = cluster.object("widget", "a")
    assert after["spec"] == {"size": 2, "colour": "red"}
    assert (before["metadata"]["generation"], after["metadata"]["generation"]) == (1, 2)


def test_apply_removes_what_the_manifest_no_longer_says(cluster, widget):
    apply(cluster, widget("a", labels={"x": "1", "y": "2"}))
    apply(cluster, widget("a", labels={"y": "2"}))
    assert cluster.object("widget", "a")["metadata"]["labels"] == {"y": "2"}


def test_a_built_in_kind_is_patched_by_strategic_merge(cluster):
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"a": "1", "b": "2"},
    }
    apply(cluster, config)
    apply(cluster, {**config, "data": {"b": "3"}})
    assert cluster.object("configmap", "c")["data"] == {"b": "3"}


def test_an_unknown_field_is_refused_and_named(cluster, widget):
    body = widget("a")
    body["spec"]["sise"] = 3
    done = apply(cluster, body, check=False)
    assert done.returncode == 1
    assert 'strict decoding error: unknown field "spec.sise"' in done.stderr
    assert cluster.object("widget", "a") == {}


def test_an_unknown_field_of_a_built_in_kind_is_refused_too(cluster):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "date": {"a": "1"}}
    done = apply(cluster, config, check=False)
    assert 'unknown field "date"' in done.stderr


def test_without_validation_an_unknown_field_is_dropped_with_a_warning(cluster, widget):
    body = widget("a")
    body["spec"]["sise"] = 3
    done = apply(cluster, body, "--validate=warn")
    assert 'Warning: unknown field "spec.sise"' in done.stderr
    assert cluster.object("widget", "a")["spec"] == {"size": 1, "colour": "red"}


def test_values_are_checked_by_schema_and_by_rule(cluster, widget):
    small = apply(cluster, widget("a", size=0), check=False)
    assert "spec.size in body should be greater than or equal to 1" in small.stderr
    large = apply(cluster, widget("a", size=100), check=False)
    assert "too big" in large.stderr


def test_server_side_apply_owns_fields_and_reports_conflicts(cluster, widget):
    apply(cluster, widget("a", size=2), "--server-side", "--field-manager=first")
    again = apply(cluster, widget("a", size=2), "--server-side", "--field-manager=first")
    assert again.stdout == "widget.shop.example.com/a serverside-applied\n"
    done = apply(cluster, widget("a", size=3), "--server-side", "--field-manager=second", check=False)
    assert done.returncode == 1
    assert 'conflict with "first": .spec.size' in done.stderr
    apply(cluster, widget("a", size=3), "--server-side", "--field-manager=second", "--force-conflicts")
    found = cluster.object("widget", "a")
    assert found["spec"]["size"] == 3
    owners = {m["manager"]: m["fieldsV1"].get("f:spec", {}) for m in found["metadata"]["managedFields"]}
    assert "f:size" in owners["second"]
    assert "f:size" not in owners.get("first", {})


def test_server_side_apply_that_changes_nothing_writes_nothing(cluster, widget):
    apply(cluster, widget("a"), "--server-side")
    before = cluster.object("widget", "a")
    apply(cluster, widget("a"), "--server-side")
    assert cluster.object("widget", "a") == before


def test_client_side_objects_can_move_to_server_side_apply(cluster, widget):
    apply(cluster, widget("a", labels={"x": "1"}))
    apply(cluster, widget("a", size=5), "--server-side")
    found = cluster.object("widget", "a")
    assert found["spec"]["size"] == 5
    assert "labels" not in found["metadata"]


def test_diff_shows_the_change_and_makes_none(cluster, widget):
    apply(cluster, widget("a"))
    before = cluster.object("widget", "a")
    done = cluster.kubectl("diff", "-f", "-", stdin=widget("a", size=7), check=False)
    assert done.returncode == 1
    assert "-  size: 1\n+  size: 7\n" in done.stdout
    assert cluster.object("widget", "a") == before
    assert cluster.kubectl("diff", "-f", "-", stdin=widget("a")).stdout == ""


def test_a_server_side_dry_run_checks_and_stores_nothing(cluster, widget):
    done = apply(cluster, widget("a"), "--dry-run=server", "-o", "json")
    assert json.loads(done.stdout)["spec"]["colour"] == "red"
    assert cluster.object("widget", "a") == {}
    assert "too big" in apply(cluster, widget("a", size=100), "--dry-run=server", check=False).stderr


def test_prune_deletes_what_left_the_set(cluster, widget):
    both = {"apiVersion": "v1", "kind": "List", "items": [widget(n, labels={"set": "s"}) for n in ("a", "b")]}
    flags = ("--prune", "-l", "set=s", "--prune-allowlist=shop.example.com/v1/Widget")
    apply(cluster, both, *flags)
    apply(cluster, {**both, "items": both["items"][:1]}, *flags)
    assert cluster.kubectl("get", "wd", "-o", "name").stdout.split() == ["widget.shop.example.com/a"]


def test_create_with_generate_name_makes_different_names(cluster, widget):
    body = widget("")
    body["metadata"] = {"generateName": "job-"}
    names = {cluster.kubectl("create", "-f", "-", "-o", "name", stdin=body).stdout.strip() for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("widget.shop.example.com/job-") for name in names)


def test_creating_twice_says_that_it_exists(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("a"))
    done = cluster.kubectl("create", "-f", "-", stdin=widget("a"), check=False)
    assert 'widgets.shop.example.com "a" already exists' in done.stderr


def test_an_unknown_namespace_is_refused(cluster, widget):
    done = cluster.kubectl("apply", "-n", "nowhere", "-f", "-", stdin=widget("a"), check=False)
    assert 'namespaces "nowhere" not found' in done.stderr


def test_a_bad_name_is_refused_with_the_rule(cluster, widget):
    done = apply(cluster, widget("Not_Good"), check=False)
    assert "a lowercase RFC 1123 subdomain must consist of" in done.stderr
