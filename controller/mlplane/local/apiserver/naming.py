"""Rules for names, labels, annotations, finalizers and owners, as apimachinery words them. Pure."""

import re
from typing import Any

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Cause, bad_request

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character"
)
_LABEL_LIMIT = 63
_ANNOTATIONS_LIMIT = 256 * 2**10


def problems(resource: Resource, meta: dict[str, Any]) -> list[Cause]:
    """What is wrong with names, labels, annotations, finalizers and owners."""
    causes = _name_problems(resource, meta)
    causes += _label_problems(meta)
    causes += _map_problems("annotations", meta.get("annotations"))
    causes += _size_problems(meta.get("annotations") or {})
    for index, owner in enumerate(_list(meta, "ownerReferences")):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not (isinstance(owner, dict) and owner.get(key)):
                at = f"metadata.ownerReferences[{index}].{key}"
                causes.append(Cause("FieldValueInvalid", at, 'Invalid value: "": must not be empty'))
    return causes


def _list(meta: dict[str, Any], name: str) -> list[Any]:
    found = meta.get(name) or []
    if not isinstance(found, list):
        raise bad_request(f"metadata.{name}: must be a list")
    return found


def _name_problems(resource: Resource, meta: dict[str, Any]) -> list[Cause]:
    name = meta.get("name")
    if not name:
        return [
            Cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
        ]
    if not isinstance(name, str):
        raise bad_request("metadata.name: must be a string")
    label = resource.kind in ("Namespace", "Service") and not resource.custom
    limit, pattern, rule = (63, _LABEL, _LABEL_RULE) if label else (253, _SUBDOMAIN, _SUBDOMAIN_RULE)
    if len(name) > limit:
        rule = f"must be no more than {limit} characters"
    elif pattern.fullmatch(name):
        return []
    return [Cause("FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {rule}')]


def _map_problems(field: str, found: Any) -> list[Cause]:
    if found is None:
        return []
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise bad_request(f"metadata.{field}: must be a map of strings (quote numbers and booleans)")
    return [
        Cause("FieldValueInvalid", f"metadata.{field}", f'Invalid value: "{key}": {_KEY_RULE}')
        for key in found
        if not _qualified(key)
    ]


def _size_problems(annotations: dict[str, str]) -> list[Cause]:
    size = sum(len(key) + len(value) for key, value in annotations.items())
    if size <= _ANNOTATIONS_LIMIT:
        return []
    message = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
    return [Cause("FieldValueTooLong", "metadata.annotations", message)]


def _qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and not _SUBDOMAIN.fullmatch(prefix.lower()):
        return False
    return len(name) <= _LABEL_LIMIT and bool(_QUALIFIED.fullmatch(name))


def _label_problems(meta: dict[str, Any]) -> list[Cause]:
    causes = _map_problems("labels", meta.get("labels"))
    for value in (meta.get("labels") or {}).values():
        if len(value) > _LABEL_LIMIT:
            causes.append(_bad_label(value, f"must be no more than {_LABEL_LIMIT} characters"))
        elif value and not _QUALIFIED.fullmatch(value):
            causes.append(_bad_label(value, _VALUE_RULE))
    return causes


def _bad_label(value: str, rule: str) -> Cause:
    return Cause("FieldValueInvalid", "metadata.labels", f'Invalid value: "{value}": {rule}')
