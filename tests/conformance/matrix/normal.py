"""Answers and objects without what differs from one run to the next.

Namespaces become ``NS``, uids ``UID``, times ``TIME``, addresses ``SERVER``. resourceVersions go, as only a
change of them means something (``changes.py``). managedFields become readable: fields by manager.
"""

import json
import re
from typing import Any

Body = dict[str, Any]

_PATTERNS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME"),
    (r"https://(127\.0\.0\.1|localhost):\d+", "SERVER"),
    (r"\b127\.0\.0\.1:\d+", "SERVER"),
    (r"too old resource version: \d+ \(\d+\)", "too old resource version: N (N)"),
    (r"(Too large resource version: )\d+, current: \d+", r"\1N, current: N"),
    (r'(resourceVersion: )"\d+"', r'\1"RV"'),
    (r"(Expected resource version to be 1, was )\d+", r"\1N"),
    (r"(?m)(Resource Version: +)\d+", r"\1RV"),
    (r"^\d+(ms|s|m)$", "AGE"),
    (r"^Name must be unique within a namespace\..*", "TEXT"),
    (r"(ResourceVersion in record \()\d+", r"\1N"),
    (r"(?m)^[IWE]\d{4} .*\n?", ""),
    (r"\bcrdfront\b", "kube-apiserver"),
    (r"Key: /registry\d*/", "Key: /"),
    (r"applyset-[\w-]{43}-v1", "applyset-ID-v1"),
    (r'(resourceVersion\\*":\\*")\d+', r"\1RV"),
)
_COMPILED = [(re.compile(pattern), text) for pattern, text in _PATTERNS]
_AGE = re.compile(r"(?m)(?<=\s)\d+(ms|s|m)(?=\s|$) *")
"""A column of ages keeps its width."""
_NOISE = ("resourceVersion", "selfLink")


class Normal:
    """Normalises what one cell sees."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def text(self, text: str) -> str:
        """One text, such as what a command printed."""
        stripped = text.strip()
        if stripped.startswith("{") and stripped.endswith("}"):
            try:
                return json.dumps(self.value(json.loads(stripped)), indent=1)
            except ValueError:
                pass
        return "\n".join(_sorted_bullets([line.rstrip() for line in self._plain(text).splitlines()]))

    def _plain(self, text: str) -> str:
        text = text.replace(self._namespace, "NS")
        for pattern, instead in _COMPILED:
            text = pattern.sub(instead, text)
        return _AGE.sub(lambda found: "AGE".ljust(len(found[0])), text)

    def value(self, value: Any) -> Any:
        """Any JSON; objects are recognised by their metadata."""
        if isinstance(value, str):
            return self._plain(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            found = {self._plain(k): self._member(k, v) for k, v in value.items()}
            return _sorted_causes(found) if "causes" in (value.get("details") or {}) else found
        return value

    def _member(self, key: str, value: Any) -> Any:
        if key == "managedFields" and isinstance(value, list):
            return self.value(managers(value))
        if key == "resources" and isinstance(value, list) and all(isinstance(each, dict) for each in value):
            value = sorted(value, key=lambda each: str(each.get("name")))
        if key == "metadata" and isinstance(value, dict):
            value = {k: "TOKEN" if k == "continue" else v for k, v in value.items() if k not in _NOISE}
            if "generateName" in value and "name" in value:
                value["name"] = value["generateName"] + "RANDOM"
        return self.value(value)


def _sorted_bullets(lines: list[str]) -> list[str]:
    """kubectl prints causes as bullets, in the order of the server's map of errors: none."""
    bullets = [i for i, line in enumerate(lines) if line.startswith("* ")]
    for place, line in zip(bullets, sorted(lines[i] for i in bullets), strict=True):
        lines[place] = line
    return lines


def _sorted_causes(status: Body) -> Body:
    """A Status whose causes, and their texts in the message, are in order; a server has none for them."""
    causes = status["details"]["causes"]
    texts = [f"{cause.get('field')}: {cause.get('message')}" for cause in causes]
    status["details"]["causes"] = sorted(
        causes, key=lambda cause: (str(cause.get("field")), cause.get("message"))
    )
    joined = ", ".join(texts)
    if joined in status["message"]:
        status["message"] = status["message"].replace(joined, ", ".join(sorted(texts)))
    return status


def managers(entries: list[Body]) -> Body:
    """managedFields as ``{"manager Operation version": [field, …]}``."""
    found: Body = {}
    for entry in entries:
        parts = [entry.get("manager", "?"), entry.get("operation", "?"), entry.get("apiVersion", "?")]
        if entry.get("subresource"):
            parts.append(entry["subresource"])
        found[" ".join(parts)] = sorted(_leaves(entry.get("fieldsV1", {}), ""))
    return dict(sorted(found.items()))


def _leaves(fields: Body, path: str) -> list[str]:
    found = []
    for key, inner in fields.items():
        if key == ".":
            found.append(path)
            continue
        kind, _, name = key.partition(":")
        here = f"{path}.{name}" if kind == "f" else f"{path}[{name}]"
        found.extend(_leaves(inner, here) if inner else [here])
    return found
