"""What an API server would refuse in the metadata of an object, which the models leave to it. Pure.

Called by ``gitops.explain``.
"""

import json
import re
from collections.abc import Iterator

from mlplane.api.meta import Body
from mlplane.gitops.findings import Finding, at, unknown_field
from mlplane.gitops.manifest import Document

_FIELDS = (
    "annotations",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "uid",
)
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LONGEST = 63


def metadata_findings(document: Document) -> list[Finding]:
    """Unknown fields, and labels and annotations of a wrong form."""
    metadata = document.body.get("metadata")
    if not isinstance(metadata, dict):
        return []
    unknown = [name for name in metadata if name not in _FIELDS]
    findings = [unknown_field(document, ("metadata", name), _FIELDS) for name in unknown]
    for field in ("labels", "annotations"):
        findings += _name_findings(document, field, metadata)
    return [*findings, *_value_findings(document, metadata)]


def _name_findings(document: Document, field: str, metadata: Body) -> Iterator[Finding]:
    for name in _entries(metadata, field):
        prefix, _, own = name.rpartition("/")
        if not _is_name(own) or (prefix and not _PREFIX.fullmatch(prefix)):
            message = f"{json.dumps(name)} is no name for {field}: it must match {_NAME.pattern}"
            path = ("metadata", field, name)
            yield at(document, path, f"{message}, after an optional domain and a slash", key=True)


def _value_findings(document: Document, metadata: Body) -> Iterator[Finding]:
    for name, value in _entries(metadata, "labels").items():
        if isinstance(value, str) and value and not _is_name(value):
            message = f"{json.dumps(value)} is no value for a label: it must match {_NAME.pattern}"
            path = ("metadata", "labels", name)
            yield at(document, path, f"{message} and have at most {_LONGEST} characters")


def _entries(metadata: Body, field: str) -> Body:
    entries = metadata.get(field)
    return entries if isinstance(entries, dict) else {}


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST and bool(_NAME.fullmatch(text))
