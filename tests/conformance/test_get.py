"""``kubectl get``, ``get -w`` and ``wait``."""

import json

import pytest


@pytest.fixture
def three(cluster, widget):
    for name, size, app in (("a", 1, "x"), ("b", 2, "x"), ("c", 3, "y")):
        cluster.kubectl("create", "-f", "-", stdin=widget(name, size=size, labels={"app": app}))
    return cluster


def ready(cluster, name, value="True"):
    status = {"status": {"conditions": [{"type": "Ready", "status": value}]}}
    cluster.kubectl("patch", "wd", name, "--subresource=status", "--type=merge", "-p", json.dumps(status))


def test_the_table_has_the_columns_of_the_definition(three):
    ready(three, "a")
    header, *rows = three.kubectl("get", "widgets").stdout.splitlines()
    assert header.split() == ["NAME", "SIZE", "READY", "AGE"]
    assert [row.split()[:2] for row in rows] == [["a", "1"], ["b", "2"], ["c", "3"]]
    assert rows[0].split()[2] == "True"


def test_a_table_is_sorted_by_a_field(three):
    rows = three.kubectl("get", "wd", "--sort-by=.spec.size", "--no-headers").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["a", "b", "c"]


def test_labels_and_fields_select(three):
    names = three.kubectl("get", "wd", "-l", "app=x", "-o", "name").stdout.split()
    assert names == ["widget.shop.example.com/a", "widget.shop.example.com/b"]
    names = three.kubectl("get", "wd", "-l", "app in (y,z)", "-o", "name").stdout.split()
    assert names == ["widget.shop.example.com/c"]
    names = three.kubectl("get", "wd", "--field-selector", "metadata.name=b", "-o", "name").stdout.split()
    assert names == ["widget.shop.example.com/b"]


def test_a_list_is_read_in_pages_of_one_state(three):
    rows = three.kubectl("get", "wd", "--chunk-size=1", "--no-headers").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["a", "b", "c"]


def test_outputs_of_other_forms(three):
    assert three.kubectl("get", "wd", "b", "-o", "jsonpath={.spec.size}").stdout == "2"
    assert "colour: red" in three.kubectl("get", "wd", "b", "-o", "yaml").stdout
    columns = three.kubectl("get", "wd", "-o", "custom-columns=N:.metadata.name,S:.spec.size", "--no-headers")
    assert columns.stdout.split() == ["a", "1", "b", "2", "c", "3"]


def test_all_namespaces_are_listed_with_their_names(three):
    text = three.kubectl("get", "wd", "-A", "--no-headers").stdout
    assert [three.namespace, "a"] in [row.split()[:2] for row in text.splitlines()]


def test_the_status_subresource_is_shown(three):
    ready(three, "c")
    found = json.loads(three.kubectl("get", "wd", "c", "--subresource=status", "-o", "json").stdout)
    assert found["status"]["conditions"][0]["status"] == "True"


def test_what_is_not_there_is_not_found(cluster):
    done = cluster.kubectl("get", "wd", "nobody", check=False)
    assert done.stderr == 'Error from server (NotFound): widgets.shop.example.com "nobody" not found\n'


def test_a_watch_prints_what_is_and_what_changes(three):
    watch = three.background("get", "wd", "-w", "--no-headers")
    assert [line.split()[0] for line in watch.lines(3)] == ["a", "b", "c"]
    ready(three, "b")
    assert watch.line().split()[:3] == ["b", "2", "True"]


def test_a_watch_with_a_selector_sees_objects_come_and_go(three):
    watch = three.background("get", "wd", "-w", "-l", "app=x", "--no-headers", "--output-watch-events")
    assert [line.split()[:2] for line in watch.lines(2)] == [["ADDED", "a"], ["ADDED", "b"]]
    three.kubectl("label", "wd", "c", "app=x", "--overwrite")
    assert watch.line().split()[:2] == ["ADDED", "c"]
    three.kubectl("label", "wd", "a", "app=other", "--overwrite")
    assert watch.line().split()[:2] == ["DELETED", "a"]
    three.kubectl("delete", "wd", "b")
    assert watch.line().split()[:2] == ["DELETED", "b"]


def test_wait_sees_a_condition_that_comes(three):
    waiting = three.background("wait", "wd/a", "--for=condition=Ready", "--timeout=60s")
    ready(three, "a", "False")
    ready(three, "a")
    assert waiting.rest() == "widget.shop.example.com/a condition met\n"


def test_wait_sees_a_condition_that_is_there(three):
    ready(three, "a")
    three.kubectl("wait", "wd/a", "--for=condition=Ready", "--timeout=60s")


def test_wait_sees_a_field(three):
    three.kubectl("wait", "wd/b", "--for=jsonpath={.spec.size}=2", "--timeout=60s")


def test_wait_times_out_when_nothing_comes(three):
    done = three.kubectl("wait", "wd/b", "--for=condition=Ready", "--timeout=3s", check=False)
    assert done.returncode == 1
    assert "timed out waiting for the condition" in done.stderr


def test_wait_for_deletion_lasts_until_the_object_is_gone(three):
    hold = '{"metadata": {"finalizers": %s}}'
    three.kubectl("patch", "wd", "b", "--type=merge", "-p", hold % '["shop.example.com/hold"]')
    waiting = three.background("wait", "wd/b", "--for=delete", "--timeout=60s")
    three.kubectl("delete", "wd", "b", "--wait=false")
    three.kubectl("wait", "wd/b", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=60s")
    assert not waiting.is_over
    three.kubectl("patch", "wd", "b", "--type=merge", "-p", hold % "null")
    waiting.rest()
    assert waiting.process.returncode == 0
    assert three.object("wd", "b") == {}


def test_many_clients_watch_at_once(three):
    watches = [three.background("get", "wd", "-w", "--no-headers") for _ in range(4)]
    for watch in watches:
        assert [line.split()[0] for line in watch.lines(3)] == ["a", "b", "c"]
    ready(three, "c")
    assert [watch.line().split()[0] for watch in watches] == ["c"] * 4
