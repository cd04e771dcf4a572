"""What was acknowledged is there after the process was killed, and versions only ever grow."""

import http.client
import json
import signal
import ssl
import threading
from contextlib import closing, suppress

from mlplane.local.state import HOST

WRITERS = 8


def connect(server):
    tls = ssl.create_default_context(cafile=str(server.state.certificate))
    return http.client.HTTPSConnection(HOST, server.state.api_port, context=tls, timeout=60)


def ask(connection, server, method, path, body=None):
    headers = {"Authorization": f"Bearer {server.state.token}", "Content-Type": "application/json"}
    connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def write_until_it_dies(server, writer, acknowledged, enough):
    """Create and change objects; note each answer's name, value and version."""
    with closing(connect(server)) as connection, suppress(OSError, http.client.HTTPException):
        for number in range(1_000_000):
            name = f"w{writer}-{number // 3}"
            body = {"metadata": {"name": name}, "data": {"value": str(number)}}
            path = "/api/v1/namespaces/default/configmaps"
            if number % 3:
                status, answer = ask(connection, server, "PUT", f"{path}/{name}", body)
            else:
                status, answer = ask(connection, server, "POST", path, body)
            assert status in (200, 201), answer
            acknowledged[name] = (str(number), int(answer["metadata"]["resourceVersion"]))
            if number > 60:
                enough.release()


def listed(server):
    with closing(connect(server)) as connection:
        status, answer = ask(connection, server, "GET", "/api/v1/namespaces/default/configmaps")
    assert status == 200
    return answer


def test_no_acknowledged_write_is_lost_when_the_server_is_killed(start_server):
    server = start_server()
    newest = 0
    for _ in range(3):
        acknowledged: dict[str, tuple[str, int]] = {}
        enough = threading.Semaphore(0)
        offset = newest
        threads = [
            threading.Thread(
                target=write_until_it_dies, args=(server, f"{offset}-{number}", acknowledged, enough)
            )
            for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        for _ in range(WRITERS):
            assert enough.acquire(timeout=60)
        server.stop(signal.SIGKILL)
        for thread in threads:
            thread.join(60)
        server.start()
        found = listed(server)
        there = {item["metadata"]["name"]: item for item in found["items"]}
        assert len(acknowledged) > WRITERS
        for name, (value, version) in acknowledged.items():
            assert int(there[name]["data"]["value"]) >= int(value)
            assert int(there[name]["metadata"]["resourceVersion"]) >= version
        highest = max(version for _, version in acknowledged.values())
        assert int(found["metadata"]["resourceVersion"]) >= highest > newest
        newest = int(found["metadata"]["resourceVersion"])


def test_a_graceful_stop_ends_watches_and_loses_nothing(start_server, widget):
    server = start_server()
    server.kubectl("create", "configmap", "c", "--from-literal=a=1")
    watch = server.background("get", "cm", "-w", "-o", "name")
    assert watch.line() == "configmap/c\n"
    assert server.stop() == 0
    watch.rest()
    server.start()
    assert server.object("cm", "c")["data"] == {"a": "1"}


def test_kinds_are_served_again_after_a_restart(start_server, widget, api_server):
    server = start_server()
    crd = api_server.object("crd", "widgets.shop.example.com")
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    server.kubectl("create", "-f", "-", stdin=crd)
    server.kubectl("create", "-f", "-", stdin=widget("a"))
    server.stop(signal.SIGKILL)
    server.start()
    assert server.object("wd", "a")["spec"] == {"size": 1, "colour": "red"}
    assert "too big" in server.kubectl("create", "-f", "-", stdin=widget("b", size=100), check=False).stderr


def test_garbage_left_by_a_crash_is_collected_after_a_restart(start_server):
    server = start_server()
    with closing(connect(server)) as connection:
        path = "/api/v1/namespaces/default/configmaps"
        _, owner = ask(connection, server, "POST", path, {"metadata": {"name": "owner"}})
        reference = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
        children = [{"metadata": {"name": f"c{n}", "ownerReferences": [reference]}} for n in range(50)]
        for child in children:
            ask(connection, server, "POST", path, child)
        ask(connection, server, "DELETE", f"{path}/owner")
    server.stop(signal.SIGKILL)
    server.start()
    for child in children:
        server.kubectl("wait", f"cm/{child['metadata']['name']}", "--for=delete", "--timeout=60s")
        break
    server.kubectl("wait", "cm", "--all", "--for=delete", "--timeout=60s", check=False)
    assert [item["metadata"]["name"] for item in listed(server)["items"]] == []
