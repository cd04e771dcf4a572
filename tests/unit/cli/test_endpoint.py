import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlplane.cli.endpoint import ask, path_for
from mlplane.errors import InvalidInput, Terminal, Transient


class Echo(BaseHTTPRequestHandler):
    """Answers with what was asked; the path names the status."""

    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = int(self.path.rpartition("/")[2])
        said = {"host": self.headers["Host"], "path": self.path, "document": document}
        body = {200: json.dumps(said), 400: '{"error": "shape is wrong"}', 503: "not ready", 201: "no JSON"}[
            status
        ]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_host_below_localhost_is_reached_and_named(port):
    said = ask(f"http://digits-default.localhost:{port}", "/v1/200", {"instances": [[1]]})
    assert said == {
        "host": f"digits-default.localhost:{port}",
        "path": "/v1/200",
        "document": {"instances": [[1]]},
    }


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (400, Terminal, "answered 400: shape is wrong"),
        (503, Transient, "answered 503: not ready"),
        (201, Terminal, "no JSON"),
    ],
)
def test_the_words_of_a_refusal_reach_the_person(port, status, error, words):
    with pytest.raises(error, match=words):
        ask(f"http://127.0.0.1:{port}", f"/{status}", {})


def test_a_server_that_is_not_there_is_worth_another_try(port):
    with pytest.raises(Transient, match="does not answer"):
        ask("http://127.0.0.1:1", "/200", {})


@pytest.mark.parametrize(
    ("document", "want"),
    [({"inputs": []}, "/v2/models/m/infer"), ({"instances": []}, "/v1/models/m:predict")],
)
def test_the_request_decides_the_protocol(document, want):
    assert path_for("m", document) == want


@pytest.mark.parametrize("document", [{}, [], "x", None])
def test_what_is_no_request_is_refused_with_an_example(document):
    with pytest.raises(InvalidInput, match="instances"):
        path_for("m", document)
