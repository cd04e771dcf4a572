"""A predictor without a model framework: what stands in its model folder decides how it behaves.

``answer`` is what it answers; with ``crash`` it ends with that line, with ``unready`` it is never ready.
Started by ``test_predictors`` in the place of ``mlplane.serving``.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        alone = self.path == "/ready" and (FOLDER / "unready").exists()
        self._answer(503 if alone else 200, "")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, (FOLDER / "answer").read_text())

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


if (FOLDER / "crash").exists():
    print("reading the model", flush=True)
    sys.exit((FOLDER / "crash").read_text())
print(f"serving {(FOLDER / 'answer').read_text()}", flush=True)
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
