"""Where one cell plays: its namespace, the objects that are given, and the looks at them."""

import itertools
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from background import Background
from conformance.matrix.cell import KINDS, PLURALS, Body, Cell, Kind, manifest
from conformance.matrix.normal import Normal
from conformance.matrix.target import Answer, Target

RUN = secrets.token_hex(2)
"""In the names of all namespaces of one run, and so in the names of all that cells make outside of them."""
_numbers = itertools.count(100)
_OWN = ("kube-root-ca.crt",)
"""Objects that a cluster puts into each namespace in its own time."""


def eventually(ask: Callable[[], Any], what: str, seconds: float) -> Any:
    """The first true answer; fails with the last one when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; last answer: {answer!r}"
        time.sleep(0.05)
    return answer


class Scene:
    """A namespace for a cell. All names have one length, so that columns of tables stay where they are."""

    def __init__(self, target: Target, cell: Cell) -> None:
        self.target = target
        self.cell = cell
        self.namespace = f"m{next(_numbers)}{RUN}"
        self.normal = Normal(self.namespace)
        self.memory: dict[str, str] = {}
        """Texts that steps refer to, such as ``UID(a)`` and ``CONTINUE``."""
        self.reading: Background | None = None
        """The command in the background."""

    def fill(self, value: Any) -> Any:
        """Replace ``NS`` and remembered texts in what a cell says."""
        if isinstance(value, str):
            for name, text in self.memory.items():
                value = value.replace(name, text)
            return re.sub(r"\bNS\b", self.namespace, value)
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if isinstance(value, dict):
            return {self.fill(k): self.fill(v) for k, v in value.items()}
        return value

    def body(self, short: Any) -> Any:
        """The manifest that a cell means."""
        filled = self.fill(short)
        if isinstance(filled, list):
            return [manifest(each) if isinstance(each, dict) else each for each in filled]
        return manifest(filled) if isinstance(filled, dict) else filled

    def path(self, text: str) -> str:
        """A path of a cell: absolute, or ``lamps/a?…`` in the cell's namespace."""
        text = self.fill(text)
        if text.startswith("/"):
            return text
        plural = re.split(r"[/?]", text)[0]
        return PLURALS[plural][1].path(self.namespace) + text[len(plural) :]

    def set_up(self) -> None:
        """Create the namespace and what is given in it."""
        self._must("POST", "/api/v1/namespaces", manifest({"kind": "Namespace", "name": self.namespace}))
        for given in self.cell.given:
            self._give(self.body(given))

    def _give(self, body: Body) -> None:
        kind = KINDS[body["kind"]]
        path = kind.path(body["metadata"].get("namespace", self.namespace))
        made = self._must("POST", f"{path}?fieldManager=given", body).body
        if "status" in body and body["status"] != made.get("status"):
            status = json.dumps({"status": body["status"]})
            url = f"{path}/{made['metadata']['name']}/status?fieldManager=given"
            made = self._must("PATCH", url, status, "application/merge-patch+json").body
        self.remember(body["metadata"].get("name", "?"), made)

    def remember(self, name: str, made: Body) -> None:
        """Let steps say ``UID(name)`` and ``RV(name)``."""
        self.memory[f"UID({name})"] = made["metadata"]["uid"]
        self.memory[f"RV({name})"] = made["metadata"]["resourceVersion"]

    def _must(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Answer:
        # A real server may still be opening the storage of a new kind.
        def accepted() -> Answer | None:
            answer = self.target.http(method, path, body, headers={"Content-Type": content_type})
            return None if answer.status in (429, 503) else answer

        answer = eventually(accepted, f"{method} {path} is accepted", self.target.patience)
        assert answer.status in (200, 201), f"{self.cell.name}: {method} {path}: {answer.data.decode()}"
        return answer

    def look(self) -> dict[str, Body]:
        """The objects that the cell is about, by kind and name."""
        found = {}
        for plural in self.cell.look:
            name, kind = PLURALS[plural]
            items = self.target.http("GET", kind.path(self.namespace)).body.get("items", [])
            for item in self._own(kind, items):
                meta = item["metadata"]
                body = {"apiVersion": kind.api_version, "kind": name, **item}
                shown = self.normal.value(body)
                found[f"{name} {shown['metadata']['name']}"] = {
                    "raw": (meta["uid"], meta["resourceVersion"]),
                    "body": shown,
                }
        return found

    def _own(self, kind: Kind, items: list[Body]) -> list[Body]:
        if kind.namespaced:
            return [item for item in items if item["metadata"]["name"] not in _OWN]
        return [item for item in items if self.namespace in item["metadata"]["name"]]

    def tear_down(self) -> None:
        """Let everything go that the cell has made; a server finishes that in its own time."""
        if self.reading is not None:
            self.reading.end()
        for plural in self.cell.look:
            _, kind = PLURALS[plural]
            for item in self._own(
                kind, self.target.http("GET", kind.path(self.namespace)).body.get("items", [])
            ):
                path = f"{kind.path(self.namespace)}/{item['metadata']['name']}"
                if item["metadata"].get("finalizers") and kind.plural != "customresourcedefinitions":
                    free = '{"metadata": {"finalizers": null}}'
                    headers = {"Content-Type": "application/merge-patch+json"}
                    self.target.http("PATCH", path, free, headers=headers)
                if not kind.namespaced:
                    self.target.http("DELETE", path)
        self.target.http("DELETE", f"/api/v1/namespaces/{self.namespace}")
