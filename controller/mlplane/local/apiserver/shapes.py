"""Structural schemas of the built-in kinds: enough to refuse a misspelt field and a value of a wrong type.

Closed where the kind is small (ConfigMap, Secret, Lease, …); open below ``spec`` and ``status`` where it is
large (Pod, Service, Node).
"""

from mlplane.local.apiserver.statuses import Body

_STRING: Body = {"type": "string"}
_BOOL: Body = {"type": "boolean"}
_INT: Body = {"type": "integer"}
_TIME: Body = {"type": "string", "nullable": True}
_STRINGS: Body = {"type": "object", "additionalProperties": _STRING}
_OPEN: Body = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _object(**properties: Body) -> Body:
    return {"type": "object", "properties": properties}


def _open(**properties: Body) -> Body:
    return {**_object(**properties), "x-kubernetes-preserve-unknown-fields": True}


def _list(item: Body) -> Body:
    return {"type": "array", "items": item}


_CONTAINERS = _list(
    _open(
        name=_STRING,
        image=_STRING,
        command=_list(_STRING),
        args=_list(_STRING),
        env=_list(_object(name=_STRING, value=_STRING, valueFrom=_OPEN)),
    )
)
_REFERENCE = _object(
    apiVersion=_STRING,
    fieldPath=_STRING,
    kind=_STRING,
    name=_STRING,
    namespace=_STRING,
    resourceVersion=_STRING,
    uid=_STRING,
)
_SOURCE = _object(component=_STRING, host=_STRING)
_EVENT: dict[str, Body] = {
    "action": _STRING,
    "eventTime": _TIME,
    "reason": _STRING,
    "related": _REFERENCE,
    "reportingInstance": _STRING,
    "series": _object(count=_INT, lastObservedTime=_STRING),
    "type": _STRING,
}

_RULES = _list(
    _object(
        apiGroups=_list(_STRING),
        nonResourceURLs=_list(_STRING),
        resourceNames=_list(_STRING),
        resources=_list(_STRING),
        verbs=_list(_STRING),
    )
)
_BINDING = _object(
    subjects=_list(_object(kind=_STRING, apiGroup=_STRING, name=_STRING, namespace=_STRING)),
    roleRef=_object(apiGroup=_STRING, kind=_STRING, name=_STRING),
)

SHAPES: dict[str, Body] = {
    "ConfigMap": _object(data=_STRINGS, binaryData=_STRINGS, immutable=_BOOL),
    "Secret": _object(data=_STRINGS, stringData=_STRINGS, type=_STRING, immutable=_BOOL),
    "ServiceAccount": _object(
        automountServiceAccountToken=_BOOL,
        imagePullSecrets=_list(_object(name=_STRING)),
        secrets=_list(_REFERENCE),
    ),
    "Namespace": _object(spec=_object(finalizers=_list(_STRING)), status=_OPEN),
    "Event": _object(
        **_EVENT,
        count=_INT,
        firstTimestamp=_TIME,
        involvedObject=_REFERENCE,
        lastTimestamp=_TIME,
        message=_STRING,
        reportingComponent=_STRING,
        source=_SOURCE,
    ),
    "events.k8s.io/Event": _object(
        **_EVENT,
        deprecatedCount=_INT,
        deprecatedFirstTimestamp=_TIME,
        deprecatedLastTimestamp=_TIME,
        deprecatedSource=_SOURCE,
        note=_STRING,
        regarding=_REFERENCE,
        reportingController=_STRING,
    ),
    "Lease": _object(
        spec=_object(
            acquireTime=_STRING,
            holderIdentity=_STRING,
            leaseDurationSeconds=_INT,
            leaseTransitions=_INT,
            preferredHolder=_STRING,
            renewTime=_STRING,
            strategy=_STRING,
        )
    ),
    "Pod": _object(spec=_open(containers=_CONTAINERS, initContainers=_CONTAINERS), status=_OPEN),
    "Service": _object(spec=_OPEN, status=_OPEN),
    "Node": _object(spec=_OPEN, status=_OPEN),
    "Role": _object(rules=_RULES),
    "ClusterRole": _object(rules=_RULES, aggregationRule=_OPEN),
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "CustomResourceDefinition": _object(
        spec=_object(
            group=_STRING,
            names=_object(
                plural=_STRING,
                singular=_STRING,
                kind=_STRING,
                listKind=_STRING,
                shortNames=_list(_STRING),
                categories=_list(_STRING),
            ),
            scope=_STRING,
            versions=_list(_OPEN),
            conversion=_OPEN,
            preserveUnknownFields=_BOOL,
        ),
        status=_OPEN,
    ),
}
