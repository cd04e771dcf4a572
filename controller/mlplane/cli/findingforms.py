"""Findings in the forms that programs read: JSON, SARIF 2.1.0, and annotations of GitHub Actions.

Called by ``cli.validate``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mlplane
from mlplane.gitops.findings import Finding

_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RULES = {
    "schema": "The object is what an API server takes.",
    "reference": "What the object refers to is there.",
    "pinned": "Code and data are pinned, to what they are now.",
    "policy": "The environment allows the object.",
}
_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}


def as_json(findings: Sequence[Finding]) -> str:
    """One list, an object for each finding."""
    return json.dumps([asdict(finding) for finding in findings], indent=2) + "\n"


def as_github(findings: Sequence[Finding]) -> str:
    """Workflow commands of GitHub Actions, which shows them beside the lines."""
    return "".join(
        f"::{found.severity} file={_escaped(_place(found.file), _PROPERTY)},line={found.line},"
        f"col={found.column}::{_escaped(found.sentence, _MESSAGE)}\n"
        for found in findings
    )


def as_sarif(findings: Sequence[Finding]) -> str:
    """The log of one run."""
    rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in _RULES.items()]
    run = {
        "tool": {"driver": {"name": "mlplane", "version": mlplane.__version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings],
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(found: Finding) -> dict[str, Any]:
    place = _place(found.file)
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place, errors="surrogateescape")},
            "region": {"startLine": found.line, "startColumn": found.column},
        }
    }
    if found.path:
        location["logicalLocations"] = [{"fullyQualifiedName": found.path}]
    return {
        "ruleId": found.check,
        "ruleIndex": list(_RULES).index(found.check),
        "level": found.severity,
        "message": {"text": found.sentence},
        "locations": [location],
    }


def _place(file: str) -> str:
    """The file relative to the root of its repository, as forges name it; as it was given, outside of one."""
    absolute = Path(file).absolute()
    root = next((folder for folder in absolute.parents if (folder / ".git").exists()), None)
    return absolute.relative_to(root).as_posix() if root else file


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
