"""A dataset of a hub that was never pinned gets the commit of its main branch, from a hub that runs here."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.lock import lock

ZEROS, HEAD = "0" * 40, "b" * 40
MANIFEST = """\
kind: Dataset
metadata: {name: squad}
spec:
  source:
    # theirs
    hf: {repo: team/squad, revision: "REVISION", path: data}  # the whole of it
"""


class Hub(BaseHTTPRequestHandler):
    """Knows one dataset."""

    def do_GET(self):
        known = self.path.startswith("/api/datasets/team/squad/revision/main")
        absent = not known and "/team/" in self.path
        self.send_response(200 if known else 404 if absent else 500)
        if absent:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(json.dumps({"id": "team/squad", "sha": HEAD, "siblings": []}).encode())

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def hub(monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def test_zeros_become_the_commit_of_the_main_branch(repo):
    (repo / "squad.yaml").write_text(MANIFEST.replace("REVISION", ZEROS))
    [change] = lock(repo)
    assert (change.path, change.old, change.new) == ("team/squad", ZEROS, HEAD)
    assert (repo / "squad.yaml").read_text() == MANIFEST.replace("REVISION", HEAD)


def test_a_commit_that_is_pinned_stays(repo):
    text = MANIFEST.replace("REVISION", "a" * 40)
    (repo / "squad.yaml").write_text(text)
    assert lock(repo) == []
    assert (repo / "squad.yaml").read_text() == text


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [("team/other", InvalidInput, "the hub has no dataset team/other"), ("x/y", Terminal, "x/y, and failed")],
)
def test_a_hub_that_cannot_answer_is_named_and_nothing_is_written(repo, name, kind, says):
    text = MANIFEST.replace("REVISION", ZEROS).replace("team/squad", name)
    (repo / "squad.yaml").write_text(text)
    with pytest.raises(kind, match=says):
        lock(repo)
    assert (repo / "squad.yaml").read_text() == text
