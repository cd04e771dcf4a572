"""What is special about each built-in kind when it is written: defaults, and what is refused. Pure."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from mlplane.local.apiserver import crds, namespaces, rbac, rbacchecks
from mlplane.local.apiserver.crdchecks import check_crd, check_name
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Collection
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import metarules
from mlplane.structural.causes import invalid

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_MUTABLE_POD_FIELDS = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")

Admit = Callable[[Body, Body | None, str], list[Cause]]


def admit(resource: Resource, body: Body, old: Body | None, now: str) -> list[Cause]:
    """Default the fields of a built-in kind, in place, and check them."""
    rule = None if resource.custom else _RULES.get(resource.collection)
    return rule(body, old, now) if rule else []


def _namespace(body: Body, old: Body | None, _now: str) -> list[Cause]:
    meta = body["metadata"]
    meta["labels"] = {**(meta.get("labels") or {}), NAMESPACE_LABEL: meta["name"]}
    if old is None:
        namespaces.begin(body)
    else:
        body["spec"] = old.get("spec") or {}  # its finalizers are written through /finalize alone
    return []


def _config_map(body: Body, old: Body | None, _now: str) -> list[Cause]:
    causes = _key_problems(body, "data") + _key_problems(body, "binaryData")
    return causes + _immutable(body, old, ("data", "binaryData"))


def _secret(body: Body, old: Body | None, _now: str) -> list[Cause]:
    folded = body.pop("stringData", None) or {}
    if folded:
        encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in folded.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}
    body.setdefault("type", "Opaque")
    causes = [
        Cause("FieldValueInvalid", f"data[{key}]", "Invalid value: must be base64")
        for key, value in (body.get("data") or {}).items()
        if not _is_base64(value)
    ]
    if old is not None and old.get("type") != body["type"]:
        causes.append(
            Cause("FieldValueInvalid", "type", f'Invalid value: "{body["type"]}": field is immutable')
        )
    return causes + _key_problems(body, "data") + _immutable(body, old, ("data",))


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return True


def _key_problems(body: Body, field: str) -> list[Cause]:
    rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    return [
        Cause("FieldValueInvalid", f"{field}[{key}]", f'Invalid value: "{key}": {rule}')
        for key in body.get(field) or {}
        if not _DATA_KEY.fullmatch(key)
    ]


def _immutable(body: Body, old: Body | None, fields: tuple[str, ...]) -> list[Cause]:
    if old is None or not old.get("immutable"):
        return []
    changed = [f for f in (*fields, "immutable") if body.get(f) != old.get(f)]
    message = "Forbidden: field is immutable when `immutable` is set"
    return [Cause("FieldValueForbidden", field, message) for field in changed]


def _pod(body: Body, old: Body | None, _now: str) -> list[Cause]:
    spec = body.setdefault("spec", {})
    if old is not None:
        return _pod_update(spec, old["spec"])
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("enableServiceLinks", True)
    body["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
    causes = []
    if not spec.get("containers"):
        causes.append(Cause("FieldValueRequired", "spec.containers", "Required value"))
    seen: set[str] = set()
    for field in ("containers", "initContainers"):
        causes += _container_problems(spec, field, seen)
    return causes


def _container_problems(spec: dict[str, Any], field: str, seen: set[str]) -> list[Cause]:
    """What is wrong with containers, which are defaulted; their names join those seen before."""
    causes: list[Cause] = []
    for index, container in enumerate(spec.get(field) or ()):
        at = f"spec.{field}[{index}]"
        causes += _name_problems(str(container.get("name") or ""), f"{at}.name", seen)
        if not container.get("image"):
            causes.append(Cause("FieldValueRequired", f"{at}.image", "Required value"))
        container.setdefault("imagePullPolicy", "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
    return causes


def _name_problems(name: str, at: str, seen: set[str]) -> list[Cause]:
    problems = [invalid(at, name, why) for why in metarules.dns_label(name)] if name else []
    if not name:
        problems.append(Cause("FieldValueRequired", at, "Required value"))
    if name in seen:
        problems.append(Cause("FieldValueDuplicate", at, f'Duplicate value: "{name}"'))
    seen.add(name)
    return problems


def _pod_update(spec: dict[str, Any], old: dict[str, Any]) -> list[Cause]:
    if _fixed(spec) == _fixed(old):
        return []
    message = (
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
        "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
        "previously negative)"
    )
    return [Cause("FieldValueForbidden", "spec", message)]


def _fixed(spec: dict[str, Any]) -> dict[str, Any]:
    fixed = {key: value for key, value in spec.items() if key not in _MUTABLE_POD_FIELDS}
    for field in ("containers", "initContainers"):
        fixed[field] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(field) or ()]
    return fixed


def _service(body: Body, _old: Body | None, _now: str) -> list[Cause]:
    spec = body.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    return []


def _crd(body: Body, old: Body | None, _now: str) -> list[Cause]:
    crds.fill_defaults(body)
    crds.store(body, old)
    if old is None:
        return [*check_name(body), *check_crd(body)]
    return [*check_crd(body), *crds.changed_names(old, body)]


def _lease(body: Body, _old: Body | None, _now: str) -> list[Cause]:
    spec = body.get("spec") or {}
    found = []
    if (seconds := spec.get("leaseDurationSeconds")) is not None and seconds <= 0:
        message = f"Invalid value: {seconds}: must be greater than 0"
        found.append(Cause("FieldValueInvalid", "spec.leaseDurationSeconds", message))
    if (transitions := spec.get("leaseTransitions")) is not None and transitions < 0:
        message = f"Invalid value: {transitions}: must be greater than or equal to 0"
        found.append(Cause("FieldValueInvalid", "spec.leaseTransitions", message))
    return found


_RULES: dict[Collection, Admit] = {
    Collection("", "namespaces"): _namespace,
    Collection("", "configmaps"): _config_map,
    Collection("", "secrets"): _secret,
    Collection("coordination.k8s.io", "leases"): _lease,
    Collection("", "pods"): _pod,
    Collection("", "services"): _service,
    crds.CRDS: _crd,
    Collection(rbac.GROUP, "clusterrolebindings"): rbacchecks.check_binding,
    Collection(rbac.GROUP, "clusterroles"): rbacchecks.check_role,
    Collection(rbac.GROUP, "rolebindings"): rbacchecks.check_binding,
    Collection(rbac.GROUP, "roles"): rbacchecks.check_role,
}
