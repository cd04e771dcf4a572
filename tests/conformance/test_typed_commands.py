"""Commands that send protobuf, and those about events and logs."""

import base64
import json

import pytest


def test_namespaces_are_created_active_and_labelled(cluster):
    found = cluster.object("ns", cluster.namespace)
    assert found["status"]["phase"] == "Active"
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": cluster.namespace}


def test_config_maps_and_secrets_are_created_from_literals(cluster):
    cluster.kubectl("create", "configmap", "c", "--from-literal=a=1", "--from-literal=b=two words")
    assert cluster.object("cm", "c")["data"] == {"a": "1", "b": "two words"}
    cluster.kubectl("create", "secret", "generic", "s", "--from-literal=key=värde")
    secret = cluster.object("secret", "s")
    assert base64.b64decode(secret["data"]["key"]).decode() == "värde"
    assert secret["type"] == "Opaque"


def test_string_data_of_a_secret_is_folded_into_data(cluster):
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}}
    cluster.kubectl("apply", "-f", "-", stdin=body)
    found = cluster.object("secret", "s")
    assert found["data"] == {"k": base64.b64encode(b"v").decode()}
    assert "stringData" not in found


def test_service_accounts_are_created(cluster):
    cluster.kubectl("create", "serviceaccount", "robot")
    assert cluster.object("sa", "robot")["metadata"]["name"] == "robot"


def test_the_holder_of_the_token_may_do_everything(cluster):
    assert cluster.kubectl("auth", "can-i", "delete", "widgets").stdout == "yes\n"
    assert "*.*" in cluster.kubectl("auth", "can-i", "--list").stdout
    assert "mlplane" in cluster.kubectl("auth", "whoami").stdout


@pytest.fixture
def reported(cluster, widget):
    """A widget with an event about it."""
    created = json.loads(cluster.kubectl("create", "-f", "-", "-o", "json", stdin=widget("a")).stdout)
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "a."},
        "involvedObject": {
            "apiVersion": "shop.example.com/v1",
            "kind": "Widget",
            "name": "a",
            "namespace": cluster.namespace,
            "uid": created["metadata"]["uid"],
        },
        "reason": "Painted",
        "message": "It is red now",
        "type": "Normal",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
        "source": {"component": "painter"},
    }
    cluster.kubectl("create", "-f", "-", stdin=event)
    return cluster


def test_events_of_an_object_are_shown(reported):
    assert "Painted" in reported.kubectl("events", "--for", "widget/a").stdout
    assert "No events found" in reported.kubectl("events", "--for", "widget/b").stderr
    assert "It is red now" in reported.kubectl("get", "events").stdout


def test_describe_shows_fields_and_events(reported):
    text = reported.kubectl("describe", "wd", "a").stdout
    assert "Colour:" in text
    assert "painter  It is red now" in text


def test_events_are_the_same_objects_in_both_groups(reported):
    (core,) = json.loads(reported.kubectl("get", "events.v1.", "-o", "json").stdout)["items"]
    (new,) = json.loads(reported.kubectl("get", "events.v1.events.k8s.io", "-o", "json").stdout)["items"]
    assert new["apiVersion"] == "events.k8s.io/v1"
    assert (new["note"], new["regarding"]) == (core["message"], core["involvedObject"])
    assert new["metadata"]["uid"] == core["metadata"]["uid"]


def test_events_are_watched(reported):
    watch = reported.background("events", "--watch", "--no-headers")
    assert "It is red now" in watch.line()


@pytest.fixture
def pod(cluster):
    """A pod with two containers; ``main`` runs, ``side`` waits."""
    spec = {"containers": [{"name": "main", "image": "i"}, {"name": "side", "image": "i"}], "nodeName": "n"}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    cluster.kubectl("create", "-f", "-", stdin=body)
    report(cluster, {"running": {"startedAt": "2026-01-01T00:00:00Z"}})
    return cluster


def report(cluster, state):
    side = {"name": "side", "state": {"waiting": {"reason": "ErrImagePull"}}}
    statuses = {"status": {"containerStatuses": [{"name": "main", "state": state}, side]}}
    cluster.kubectl("patch", "pod", "p", "--subresource=status", "--type=merge", "-p", json.dumps(statuses))


def log_file(cluster):
    folder = cluster.state.pod(cluster.object("pod", "p")["metadata"]["uid"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "main.log"


def test_logs_of_a_container_are_shown(pod):
    log_file(pod).write_text("one\ntwo\nthree\n")
    assert pod.kubectl("logs", "p", "-c", "main").stdout == "one\ntwo\nthree\n"
    assert pod.kubectl("logs", "p", "-c", "main", "--tail=2").stdout == "two\nthree\n"
    assert pod.kubectl("logs", "p", "-c", "main", "--tail=0").stdout == ""
    assert pod.kubectl("logs", "p", "-c", "main", "--limit-bytes=5").stdout == "one\nt"


def test_logs_are_followed_until_the_container_ends(pod):
    path = log_file(pod)
    path.write_text("one\n")
    following = pod.background("logs", "-f", "p", "-c", "main")
    assert following.line() == "one\n"
    with path.open("a") as log:
        log.write("two\n")
        log.flush()
        assert following.line() == "two\n"
        log.write("last\n")
    report(pod, {"terminated": {"exitCode": 0, "reason": "Completed"}})
    assert following.rest() == "last\n"


def test_a_container_that_does_not_exist_is_named(pod):
    done = pod.kubectl("logs", "p", "-c", "other", check=False)
    assert "container other is not valid for pod p" in done.stderr


def test_a_container_that_waits_has_no_log_and_says_why(pod):
    done = pod.kubectl("logs", "p", "-c", "side", check=False)
    assert 'container "side" in pod "p" is waiting to start: image can\'t be pulled' in done.stderr


def test_times_of_lines_are_refused_rather_than_invented(pod):
    done = pod.kubectl("logs", "p", "-c", "main", "--timestamps", check=False)
    assert "timestamps is not supported" in done.stderr


def test_pods_have_the_columns_that_people_know(pod):
    header, row = pod.kubectl("get", "pods").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row.split()[:2] == ["p", "0/2"]
