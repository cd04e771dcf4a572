"""Kopf and the official Python client, unmodified."""

import datetime
import signal
import subprocess
import sys
import time

import kubernetes
import pytest
from kubernetes.dynamic import DynamicClient

OPERATOR = """
import kopf

@kopf.on.startup()
async def configure(settings, **_):
    settings.posting.enabled = False

@kopf.on.event("widgets")
async def seen(type, body, **_):
    size = body.get("spec", {}).get("size")
    print("SEEN", type, body["metadata"]["name"], size, flush=True)

@kopf.on.create("widgets", annotations={"handle": kopf.PRESENT})
async def created(patch, **_):
    patch.status["handled"] = True

@kopf.on.delete("widgets", annotations={"handle": kopf.PRESENT})
async def deleted(**_):
    print("CLEANED", flush=True)
"""


class Operator:
    """A kopf process whose output is read line by line."""

    def __init__(self, server, folder, namespace):
        script = folder / "operator_under_test.py"
        script.write_text(OPERATOR)
        scope = ["-n", namespace] if namespace else ["-A"]
        self.log = folder / "operator.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kopf", "run", "--standalone", *scope, str(script)],
                env=server.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def expect(self, text, times=1, seconds=60):
        deadline = time.monotonic() + seconds
        while self.log.read_text().count(text) < times:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"{text!r} not in: {self.log.read_text()}"
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


@pytest.fixture
def operate(tmp_path):
    """Starts operators; they end with the test."""
    started = []

    def start(server, namespace=""):
        started.append(Operator(server, tmp_path, namespace))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def test_kopf_sees_objects_appear_change_and_go(cluster, widget, operate):
    cluster.kubectl("create", "-f", "-", stdin=widget("old"))
    operator = operate(cluster, cluster.namespace)
    operator.expect("SEEN None old 1")
    cluster.kubectl("create", "-f", "-", stdin=widget("new"))
    operator.expect("SEEN ADDED new 1")
    cluster.kubectl("patch", "wd", "new", "--type=merge", "-p", '{"spec": {"size": 7}}')
    operator.expect("SEEN MODIFIED new 7")
    cluster.kubectl("delete", "wd", "new")
    operator.expect("SEEN DELETED new 7")


def test_kopf_handlers_write_status_and_hold_with_finalizers(cluster, widget, operate):
    operator = operate(cluster, cluster.namespace)
    cluster.kubectl("create", "-f", "-", stdin=widget("a", annotations={"handle": "yes"}))
    cluster.kubectl("wait", "wd/a", "--for=jsonpath={.status.handled}=true", "--timeout=60s")
    assert cluster.object("wd", "a")["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    cluster.kubectl("delete", "wd", "a", "--timeout=60s")
    operator.expect("CLEANED")


def test_kopf_goes_on_after_the_server_was_killed(start_server, api_server, widget, operate):
    server = start_server()
    crd = api_server.object("crd", "widgets.shop.example.com")
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    server.kubectl("create", "-f", "-", stdin=crd)
    operator = operate(server)
    server.kubectl("create", "-f", "-", stdin=widget("before"))
    operator.expect(" before 1")
    server.stop(signal.SIGKILL)
    server.start()
    server.kubectl("create", "-f", "-", stdin=widget("after"))
    operator.expect(" after 1")
    server.kubectl("patch", "wd", "before", "--type=merge", "-p", '{"spec": {"size": 9}}')
    operator.expect("before 9")


def test_kopf_serves_a_kind_that_is_defined_while_it_runs(start_server, api_server, widget, operate):
    server = start_server()
    operator = operate(server)
    operator.expect("Unresolved resources cannot be served")
    crd = api_server.object("crd", "widgets.shop.example.com")
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    server.kubectl("create", "-f", "-", stdin=crd)
    server.kubectl("create", "-f", "-", stdin=widget("a"))
    operator.expect(" a 1")


@pytest.fixture
def client(cluster):
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(cluster.state.kubeconfig), client_configuration=configuration)
    with kubernetes.client.ApiClient(configuration) as made:
        yield made


def test_the_python_client_reads_the_version_and_lists(cluster, client):
    assert kubernetes.client.VersionApi(client).get_code().minor == "37"
    names = [ns.metadata.name for ns in kubernetes.client.CoreV1Api(client).list_namespace().items]
    assert {"default", "kube-system", "kube-public", cluster.namespace} <= set(names)


def test_a_lease_is_an_optimistic_lock(cluster, client):
    leases = kubernetes.client.CoordinationV1Api(client)
    body = kubernetes.client.V1Lease(
        metadata=kubernetes.client.V1ObjectMeta(name="leader"),
        spec=kubernetes.client.V1LeaseSpec(
            holder_identity="a", renew_time=datetime.datetime.now(datetime.UTC), lease_duration_seconds=15
        ),
    )
    first = leases.create_namespaced_lease(cluster.namespace, body)
    stale = leases.read_namespaced_lease("leader", cluster.namespace)
    first.spec.holder_identity = "b"
    leases.replace_namespaced_lease("leader", cluster.namespace, first)
    stale.spec.holder_identity = "c"
    with pytest.raises(kubernetes.client.ApiException) as refused:
        leases.replace_namespaced_lease("leader", cluster.namespace, stale)
    assert refused.value.status == 409
    assert leases.read_namespaced_lease("leader", cluster.namespace).spec.holder_identity == "b"


def test_the_dynamic_client_finds_custom_kinds_and_watches(cluster, client, widget):
    widgets = DynamicClient(client).resources.get(api_version="shop.example.com/v1", kind="Widget")
    created = widgets.create(namespace=cluster.namespace, body=widget("a"))
    widgets.patch(
        namespace=cluster.namespace,
        name="a",
        body={"spec": {"size": 3}},
        content_type="application/merge-patch+json",
    )
    seen = [
        (event["type"], event["object"].spec.size)
        for event in widgets.watch(
            namespace=cluster.namespace, resource_version=created.metadata.resourceVersion, timeout=2
        )
    ]
    assert seen == [("MODIFIED", 3)]


def test_collections_are_deleted_by_selector(cluster, client):
    core = kubernetes.client.CoreV1Api(client)
    for name, app in (("a", "x"), ("b", "x"), ("c", "y")):
        meta = kubernetes.client.V1ObjectMeta(name=name, labels={"app": app})
        core.create_namespaced_config_map(cluster.namespace, kubernetes.client.V1ConfigMap(metadata=meta))
    core.delete_collection_namespaced_config_map(cluster.namespace, label_selector="app=x")
    assert [item.metadata.name for item in core.list_namespaced_config_map(cluster.namespace).items] == ["c"]
