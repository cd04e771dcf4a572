"""Rules for labels, annotations, owners, finalizers and managers, as apimachinery words them.

``naming`` in the API server checks the metadata of every object with these; ``schemas`` that of embedded
resources.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlplane.body import Body
from mlplane.structural import causes
from mlplane.structural.causes import Cause

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_KEY_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LABEL_LIMIT = 63
_NAME_LIMIT = 253
_ANNOTATIONS_LIMIT = 256 * 2**10
MANAGER_LIMIT = 128
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")


def problems(meta: Body, path: str) -> Iterator[Cause]:
    """What is wrong with labels, annotations, owners and finalizers.

    Args:
        meta: Metadata, as ``objectmeta.read`` gives it.
        path: Where it stands, with ``metadata`` itself.
    """
    if labels := meta.get("labels"):
        yield from _labels(labels, f"{path}.labels")
    if annotations := meta.get("annotations"):
        yield from _annotations(annotations, f"{path}.annotations")
    if owners := meta.get("ownerReferences"):
        yield from _owners(owners, f"{path}.ownerReferences")
    if finalizers := meta.get("finalizers"):
        yield from _finalizers(finalizers, f"{path}.finalizers")


def managers(meta: Body, path: str) -> Iterator[Cause]:
    """What is wrong with managedFields, where nobody keeps them: in embedded resources."""
    for index, entry in enumerate(meta.get("managedFields") or ()):
        yield from _entry(entry, f"{path}.managedFields[{index}]")


def qualified(key: str) -> Iterator[str]:
    """What is wrong with a key of a label, or another name with an optional domain before it."""
    prefix, slash, name = key.partition("/")
    if not slash:
        prefix, name = "", key
    elif "/" in name:
        example = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        yield f"a valid label key {_KEY_RULE} {example}"
        return
    elif not prefix:
        yield "prefix part must be non-empty"
    else:
        yield from (f"prefix part {problem}" for problem in subdomain(prefix))
    if not name:
        yield "name part must be non-empty"
    elif len(name) > _LABEL_LIMIT:
        yield f"name part must be no more than {_LABEL_LIMIT} bytes"
    if not _QUALIFIED.fullmatch(name):
        yield f"name part {_KEY_RULE}"


def subdomain(name: str) -> Iterator[str]:
    """What is wrong with a DNS subdomain."""
    if len(name) > _NAME_LIMIT:
        yield f"must be no more than {_NAME_LIMIT} bytes"
    if not _SUBDOMAIN.fullmatch(name):
        yield SUBDOMAIN_RULE


def dns_label(name: str) -> Iterator[str]:
    """What is wrong with a DNS label."""
    if len(name) > _LABEL_LIMIT:
        yield f"must be no more than {_LABEL_LIMIT} bytes"
    if not _DNS_LABEL.fullmatch(name):
        yield LABEL_RULE


def dns_1035(name: str) -> str:
    """Why a name is no DNS label that begins with a letter; empty if it is one."""
    problems = [f"must be no more than {_LABEL_LIMIT} characters"] if len(name) > _LABEL_LIMIT else []
    return ",".join(problems if _DNS_1035.fullmatch(name) else [*problems, _DNS_1035_RULE])


def manager(name: str, field: str) -> Iterator[Cause]:
    """What is wrong with the name of a field manager."""
    if len(name) > MANAGER_LIMIT:
        yield causes.too_long(field, MANAGER_LIMIT)
    for index, letter in enumerate(name):
        if not letter.isprintable():
            yield causes.invalid(field, name, f"invalid character U+{ord(letter):04X} (at position {index})")


def _labels(labels: Mapping[str, str], field: str) -> Iterator[Cause]:
    for key, value in labels.items():
        yield from (causes.invalid(field, key, problem) for problem in qualified(key))
        if len(value) > _LABEL_LIMIT:
            yield causes.invalid(field, value, f"must be no more than {_LABEL_LIMIT} bytes")
        if value and not _QUALIFIED.fullmatch(value):
            yield causes.invalid(field, value, _VALUE_RULE)


def _annotations(annotations: Mapping[str, str], field: str) -> Iterator[Cause]:
    for key in annotations:
        yield from (causes.invalid(field, key, problem) for problem in qualified(key.lower()))
    if sum(len(key) + len(value) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        yield causes.too_long(field, _ANNOTATIONS_LIMIT)


def _owners(owners: Sequence[Body], field: str) -> Iterator[Cause]:
    controller = ""
    for owner in owners:
        yield from _owner(owner, field)
        if owner.get("controller"):
            this = f"{owner.get('kind', '')}/{owner.get('name', '')}"
            if controller:
                detail = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {this}"
                )
                yield causes.invalid(field, [_ordered(each) for each in owners], detail)
            controller = controller or this


def _owner(owner: Body, field: str) -> Iterator[Cause]:
    version = owner.get("apiVersion", "")
    if version.count("/") > 1 or not version.rpartition("/")[2]:
        yield causes.invalid(f"{field}.apiVersion", version, "version must not be empty")
    for key in ("kind", "name", "uid"):
        if not owner.get(key):
            yield causes.invalid(f"{field}.{key}", "", "must not be empty")
    if (version, owner.get("kind")) == ("v1", "Event"):
        yield causes.invalid(field, _ordered(owner), "/v1, Kind=Event is disallowed from being an owner")


def _ordered(owner: Body) -> Body:
    """As Go writes the structure."""
    return {key: owner.get(key, "") for key in _OWNER_FIELDS[:4]} | {
        key: owner[key] for key in _OWNER_FIELDS[4:] if key in owner
    }


def _finalizers(finalizers: Sequence[str], field: str) -> Iterator[Cause]:
    for name in finalizers:
        yield from (causes.invalid(field, name, problem) for problem in qualified(name))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        yield causes.invalid(
            field, list(finalizers), "finalizer orphan and foregroundDeletion cannot be both set"
        )


def _entry(entry: Body, field: str) -> Iterator[Cause]:
    operation, kind = entry.get("operation", ""), entry.get("fieldsType", "")
    if operation not in ("Apply", "Update"):
        yield causes.invalid(f"{field}.operation", operation, "must be `Apply` or `Update`")
    if kind not in ("", "FieldsV1"):
        yield causes.invalid(f"{field}.fieldsType", kind, "must be `FieldsV1`")
    yield from manager(entry.get("manager", ""), f"{field}.manager")


def warnings(meta: Body, old: Mapping[str, Any]) -> Iterator[str]:
    """What is unwise in metadata, though allowed; ``old`` is the metadata before, or empty."""
    before = old.get("finalizers") or ()
    for name in sorted(set(meta.get("finalizers") or ()) - set(before)):
        if "/" not in name and name not in ("orphan", "foregroundDeletion", "kubernetes"):
            path = " including a path (/)" if "." in name else ""
            yield (
                f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name{path} to avoid '
                "accidental conflicts with other finalizer writers"
            )
