"""Forges on this machine, as far as pull requests and commit statuses go, in the manner of each kind.

Written from the forges' documentation; what is kept is what was asked of them. Whether the requests are right
is not for these servers to say: tests/upstream holds them against the documents that the forges publish.
"""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Body = dict[str, Any]


@dataclass
class Asked:
    """A request, and the status it got."""

    method: str
    path: str
    """As it was sent, escapes and all."""
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int = 0


@dataclass
class ForgeServer:
    """A forge with one repository, ``team/digits``."""

    kind: str
    token: str = "t0k3n-of-the-test"
    pulls: list[Body] = field(default_factory=list)
    statuses: list[Body] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    after_list: Callable[[], None] | None = None
    """Called once, after the first answer to who has a pull request open: what somebody else does then."""
    broken: int = 0
    """Status of every answer, if not 0."""
    url: str = ""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if self.broken:
            return self.broken, {"message": "out of order"}
        if self.token not in " ".join(asked.headers.values()):
            return 401, {"message": "who are you?"}
        parts = [unquote(part) for part in asked.path.split("/") if part]
        parts = parts[parts.index("projects" if self.kind == "GitLab" else "repos") + 1 :]
        parts = parts[1:] if self.kind == "GitLab" else parts[2:]
        return self._answers()[asked.method](asked, parts)

    def open(self, branch: str, trunk: str, title: str, text: str, owner: str = "team") -> Body:
        made = {"number": len(self.pulls) + 1, "branch": branch, "trunk": trunk, "title": title, "text": text}
        self.pulls.append(made | {"open": True, "owner": owner})
        return self.pulls[-1]

    def _answers(self) -> dict[str, Callable[[Asked, list[str]], tuple[int, Any]]]:
        return {"GET": self._get, "POST": self._post, "PATCH": self._change, "PUT": self._change}

    def _get(self, asked: Asked, parts: list[str]) -> tuple[int, Any]:
        if parts[0] == "commits":
            url = f"{self.url}{asked.path}"
            return 200, {"sha": parts[1], "url": url}
        if parts[-1] not in ("pulls", "merge_requests"):
            return 404, {"message": "not found"}
        page = int(asked.query.get("page", ["1"])[0])
        found = [pull for pull in self.pulls if pull["open"] and self._matches(pull, asked.query)]
        # Small pages, so that a client that does not turn them finds nothing.
        found = found[page - 1 : page] if self.kind == "Gitea" else found
        answer = [self._shown(pull) for pull in found]
        after, self.after_list = self.after_list, None
        if after:
            after()
        return 200, answer

    def _matches(self, pull: Body, query: dict[str, list[str]]) -> bool:
        wanted = {"head": f"{pull['owner']}:{pull['branch']}", "base": pull["trunk"]}
        wanted |= {"source_branch": pull["branch"], "target_branch": pull["trunk"]}
        return all(query[name][0] == value for name, value in wanted.items() if name in query)

    def _post(self, asked: Asked, parts: list[str]) -> tuple[int, Any]:
        body = asked.body
        if parts[0] == "statuses":
            name = body.get("name") or body["context"]
            self.statuses.append({"commit": parts[1], "name": name} | body)
            return 201, {"id": len(self.statuses), "url": f"{self.url}/status"} | body
        branch, trunk = (
            body.get(new) or body.get(old)
            for new, old in (("source_branch", "head"), ("target_branch", "base"))
        )
        ours = [p for p in self.pulls if p["open"] and p["owner"] == "team"]
        if any((p["branch"], p["trunk"]) == (branch, trunk) for p in ours):
            code = {"GitHub": 422, "GitLab": 409, "Gitea": 409}[self.kind]
            return code, {"message": "a pull request exists already"}
        text = body.get("description") if self.kind == "GitLab" else body.get("body")
        return 201, self._shown(self.open(branch, trunk, body["title"], text))

    def _change(self, asked: Asked, parts: list[str]) -> tuple[int, Any]:
        pull = self.pulls[int(parts[1]) - 1]
        pull["title"] = asked.body["title"]
        pull["text"] = asked.body["description" if self.kind == "GitLab" else "body"]
        return (201 if self.kind == "Gitea" else 200), self._shown(pull)

    def _shown(self, pull: Body) -> Body:
        number, title, text = pull["number"], pull["title"], pull["text"]
        page = f"{self.url}/team/digits/{number}"
        source = 7 if pull["owner"] == "team" else 8
        if self.kind == "GitLab":
            branches = {"source_branch": pull["branch"], "target_branch": pull["trunk"]}
            branches |= {"source_project_id": source, "target_project_id": 7}
            return {"id": 100 + number, "iid": number, "project_id": 7, "title": title, "description": text,
                    "web_url": page, "state": "opened"} | branches  # fmt: skip
        ends = {
            "head": {"ref": pull["branch"], "repo_id": source},
            "base": {"ref": pull["trunk"], "repo_id": 7},
        }
        api = f"{self.url}/api/v3/repos/team/digits/pulls/{number}"
        return {"number": number, "title": title, "body": text, "html_url": page, "url": api} | ends


@contextmanager
def running(kind: str) -> Iterator[ForgeServer]:
    """A forge that answers at ``url`` until the end of the block."""
    forge = ForgeServer(kind)

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            split = urlsplit(self.path)
            body = json.loads(content) if content else None
            asked = Asked(self.command, split.path, parse_qs(split.query), dict(self.headers), body)
            forge.asked.append(asked)
            asked.status, answer = forge.answer(asked)
            sent = json.dumps(answer).encode()
            self.send_response(asked.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
