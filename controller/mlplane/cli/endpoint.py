"""Asking a served model: one HTTP request. Called by ``cli.predict`` and ``cli.demo``."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from mlplane.errors import InvalidInput, Terminal, Transient

TIMEOUT_SECONDS = 30


def path_for(model: str, document: Any) -> str:
    """Where a request belongs: ``inputs`` is the Open Inference Protocol, ``instances`` the older one.

    Raises:
        InvalidInput: It is neither.
    """
    if isinstance(document, dict) and "inputs" in document:
        return f"/v2/models/{model}/infer"
    if isinstance(document, dict) and "instances" in document:
        return f"/v1/models/{model}:predict"
    raise InvalidInput('the input must be JSON such as {"instances": [[0, 1, …]]} or {"inputs": [{…}]}')


def ask(url: str, path: str, document: Any) -> Any:
    """POST a JSON document; the JSON answer.

    A host below ``.localhost`` is reached at 127.0.0.1 whatever the resolver says (RFC 6761).

    Raises:
        Transient: Nothing answers, or the server is not ready.
        Terminal: The server refuses the request; the message holds its words.
    """
    parts = urlsplit(url)
    host = "127.0.0.1" if (parts.hostname or "").endswith(".localhost") else parts.hostname or ""
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(host, parts.port, timeout=TIMEOUT_SECONDS)
    headers = {"Host": parts.netloc, "Content-Type": "application/json"}
    try:
        connection.request("POST", parts.path.rstrip("/") + path, json.dumps(document), headers)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, HTTPException) as error:
        raise Transient(f"{url} does not answer: {error}") from error
    finally:
        connection.close()
    return _parsed(url, status, body)


def _parsed(url: str, status: int, body: bytes) -> Any:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if status >= 400 or document is None:
        words = document.get("error") if isinstance(document, dict) else None
        said = words or body[:500].decode(errors="replace").strip() or "nothing"
        family = Transient if status in (502, 503, 504) else Terminal
        raise family(f"{url} answered {status}: {said}")
    return document
