"""Servers of the protocols that sources speak, on this machine: what the tests of sources read from."""

import http.server
import json
import os
import ssl
import subprocess
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from mlplane.local.apiserver import certificates

FILES = {
    "a.csv": b"1,2\n3,4\n",
    "manifest.json": b"{}",
    "more/B.csv": b"5,6\n" * 3000,
    "more/deep er/\u00fcber.csv": b"7,8\n",
    "empty.csv": b"",
}
"""What every server has under ``data/``: case, spaces, accents, nothing, and the store's own name."""


@dataclass
class Answer:
    """What a server gives for a path."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class WebServer:
    """An HTTP or HTTPS server whose answers a test writes."""

    answers: dict[str, Answer | Callable[["Request"], Answer]] = field(default_factory=dict)
    seen: list["Request"] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass
class Request:
    """What a server was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@contextmanager
def web_server(tls: tuple[Path, Path] | None = None) -> Iterator[WebServer]:
    """A server in a thread; ``tls`` is its certificate and its key."""
    web = WebServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, unquote(url.path), parse_qs(url.query), headers, body)
            web.seen.append(request)
            found = web.answers.get(request.path) or web.answers.get("*", Answer(404))
            answer = found if isinstance(found, Answer) else found(request)
            self.send_response(answer.status)
            length = (
                {} if "transfer-encoding" in answer.headers else {"content-length": str(len(answer.body))}
            )
            for name, value in {**length, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = self.close_connection or "content-length" in answer.headers
            self.wfile.write(answer.body)

        do_POST = do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is no news
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that is its own authority, and its key."""
    made = folder / "tls.crt", folder / "tls.key"
    certificates.create(*made)
    return made


def git_backend(root: Path, token: str | None = None) -> Callable[[Request], Answer]:
    """Git's own server program for the repositories of a folder; with a token, it wants it."""

    def answer(request: Request) -> Answer:
        if token is not None:
            given = b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
            if given.rpartition(":")[2] != token:
                return Answer(401, headers={"www-authenticate": 'Basic realm="git"'})
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": "&".join(f"{key}={value[0]}" for key, value in request.query.items()),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=request.body, env=environment, capture_output=True, check=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return Answer(int(headers.pop("Status", "200").split()[0]), body, headers)

    return answer


def hub(web: WebServer, repo: str, revision: str, files: dict[str, bytes], token: str | None = None) -> None:
    """Make a server answer as a Hugging Face hub with one dataset; with a token, it wants it."""

    def allowed(request: Request) -> bool:
        return token is None or request.headers.get("authorization") == f"Bearer {token}"

    def described(path: str) -> dict[str, object]:
        if path in files:
            return {"type": "file", "path": path, "size": len(files[path]), "oid": "0" * 40}
        return {"type": "directory", "path": path, "oid": "0" * 40}

    def known(path: str) -> bool:
        return path in files or any(name.startswith(f"{path}/") for name in files)

    def listing(paths: list[str]) -> Answer:
        body = json.dumps([described(path) for path in paths]).encode()
        return Answer(200, body, {"content-type": "application/json"})

    def api(request: Request) -> Answer:
        if not allowed(request):
            return Answer(401, headers={"x-error-code": "GatedRepo"})
        root = f"/api/datasets/{repo}"
        if request.path == f"{root}/paths-info/{revision}":
            asked = json.loads(request.body) if request.body[:1] == b"{" else parse_qs(request.body.decode())
            return listing([path for path in asked["paths"] if known(path)])
        if request.path.startswith(f"{root}/tree/{revision}"):
            folder = request.path.removeprefix(f"{root}/tree/{revision}").strip("/")
            below = sorted(name for name in files if name.startswith(f"{folder}/"))
            folders = {name.rpartition("/")[0] for name in below} - {folder}
            return listing([*sorted(folders), *below])
        path = request.path.removeprefix(f"/datasets/{repo}/resolve/{revision}/")
        return Answer(200, files[path]) if path in files else Answer(404)

    web.answers["*"] = api
