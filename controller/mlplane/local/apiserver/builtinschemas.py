"""Schemas of the built-in kinds for ``kubectl explain``: the fields that people write, with a sentence each.

``openapi`` publishes them. They describe and do not validate, so deeper levels are open.
"""

from typing import Any

from mlplane.local.apiserver.statuses import Body

DESCRIPTIONS = {
    "apiVersion": "APIVersion defines the versioned schema of this representation of an object.",
    "kind": "Kind is a string value representing the REST resource this object represents.",
    "metadata": "Standard object's metadata.",
    "dryRun": "When present with the value All, the request is checked in full and nothing is stored.",
    "fieldManager": "Name of the actor that makes the change; required for apply.",
    "fieldValidation": "What to do about unknown fields: Ignore, Warn (the default) or Strict.",
    "force": "Take fields over from other managers instead of failing with a conflict.",
    "allowWatchBookmarks": "Whether a watch is told now and then how far it has come.",
    "continue": "Where the next chunk of a list begins: the token of the one before.",
    "fieldSelector": "Choose objects by the values of fields.",
    "labelSelector": "Choose objects by their labels.",
    "limit": "The most objects in one chunk of a list.",
    "resourceVersion": "The version that the answer is to be of; resourceVersionMatch says how exactly.",
    "resourceVersionMatch": "How resourceVersion is meant: NotOlderThan or Exact.",
    "sendInitialEvents": "Whether a watch begins with the objects that there are.",
    "shardSelector": "Ignored: lists and watches are not split here.",
    "timeoutSeconds": "Seconds after which a list or a watch ends.",
    "watch": "Answer with changes as they happen instead of a list.",
    "gracePeriodSeconds": "Seconds that the object gets to end; 0 is at once.",
    "ignoreStoreReadErrorWithClusterBreakingPotential": "Ignored: objects can always be read here.",
    "orphanDependents": "Old form of propagationPolicy: whether dependents stay.",
    "propagationPolicy": "What becomes of dependents: Orphan, Background or Foreground.",
    "ClusterRole": "ClusterRole is a set of rights, to be given by bindings of either kind.",
    "ClusterRoleBinding": "ClusterRoleBinding gives a role to users, everywhere.",
    "ConfigMap": "ConfigMap holds configuration data for pods to consume.",
    "CustomResourceDefinition": "CustomResourceDefinition defines a kind that the API server serves.",
    "Event": "Event is a report of something that happened to an object.",
    "Lease": "Lease defines a lock with a holder and a time to renew it.",
    "Namespace": "Namespace provides a scope for names.",
    "Node": "Node is a machine that runs pods.",
    "Pod": "Pod is a group of containers that run together.",
    "Role": "Role is a set of rights in a namespace.",
    "RoleBinding": "RoleBinding gives a role to users, in its namespace.",
    "Secret": "Secret holds confidential data of limited size.",
    "Service": "Service is a named address in front of pods.",
    "ServiceAccount": "ServiceAccount is an identity for processes in pods.",
}
"""Texts that several documents need: common fields, parameters, and one for each kind."""


def _string(description: str) -> Body:
    return {"type": "string", "description": description}


def _integer(description: str) -> Body:
    return {"type": "integer", "format": "int64", "description": description}


def _boolean(description: str) -> Body:
    return {"type": "boolean", "description": description}


def _time(description: str) -> Body:
    return {"type": "string", "format": "date-time", "description": description}


def _map(description: str, **values: Any) -> Body:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": {"type": "string"} | values,
    }


def _list(description: str, items: Body | None = None) -> Body:
    return {"type": "array", "description": description, "items": items or {"type": "string"}}


def _object(description: str, **properties: Body) -> Body:
    if not properties:
        return {"type": "object", "description": description, "x-kubernetes-preserve-unknown-fields": True}
    return {"type": "object", "description": description, "properties": properties}


_OWNER = _object(
    "OwnerReference names an object that this one depends on.",
    apiVersion=_string("API version of the owner."),
    kind=_string("Kind of the owner."),
    name=_string("Name of the owner."),
    uid=_string("UID of the owner."),
    controller=_boolean("Whether the owner is the managing controller."),
    blockOwnerDeletion=_boolean("Whether the owner waits for this object when it is deleted in foreground."),
)
COMMON: dict[str, Body] = {
    "ObjectMeta": _object(
        "ObjectMeta is metadata that all persisted resources must have.",
        name=_string("Name must be unique within a namespace."),
        generateName=_string("GenerateName is a prefix from which the server makes a unique name."),
        namespace=_string("Namespace defines the space within which each name must be unique."),
        labels=_map("Map of string keys and values to organise and select objects."),
        annotations=_map("Unstructured key value map for tools; not queryable."),
        finalizers=_list("Must be empty before the object is deleted from the registry."),
        ownerReferences=_list("List of objects depended by this object.", _OWNER),
        uid=_string("UID is the unique identity of the object. Read-only."),
        resourceVersion=_string("An opaque version of the object, for optimistic concurrency. Read-only."),
        generation=_integer("A sequence number of the desired state. Read-only."),
        creationTimestamp=_time("When the object was created. Read-only."),
        deletionTimestamp=_time("When the object will be deleted, or deletion began. Read-only."),
        deletionGracePeriodSeconds=_integer("Seconds for a graceful end. Read-only."),
        managedFields=_list("Which manager owns which fields.", _object("An entry of one manager.")),
    ),
    "ListMeta": _object(
        "ListMeta describes metadata that lists have.",
        resourceVersion=_string("The version of the collection."),
        **{"continue": _string("Token to get the next chunk.")},
        remainingItemCount=_integer("How many items follow this chunk."),
    ),
    "Patch": {"type": "object", "description": "A patch to apply to an object."},
}
"""Schemas that every document holds, by their names in meta/v1."""

_REFERENCE = _object(
    "Reference to an object.",
    apiVersion=_string("API version of the object."),
    kind=_string("Kind of the object."),
    name=_string("Name of the object."),
    namespace=_string("Namespace of the object."),
    uid=_string("UID of the object."),
)
_ENV = _object(
    "EnvVar is an environment variable in a container.",
    name=_string("Name of the variable."),
    value=_string("Value of the variable."),
    valueFrom=_object("Source of the value: fieldRef, secretKeyRef or configMapKeyRef."),
)
_PORT = _object(
    "ContainerPort is a port that a container listens on.",
    containerPort=_integer("Number of the port."),
    name=_string("Name by which probes and services refer to the port."),
    protocol=_string("TCP (the default), UDP or SCTP."),
)
_CONTAINER = _object(
    "A single application container.",
    name=_string("Name of the container, unique in the pod."),
    image=_string("Container image name."),
    command=_list("Entrypoint array."),
    args=_list("Arguments to the entrypoint."),
    env=_list("Environment variables.", _ENV),
    ports=_list("Ports to expose.", _PORT),
    resources=_object("Compute resources that the container requires."),
    volumeMounts=_list("Volumes to mount.", _object("VolumeMount mounts a volume at mountPath.")),
    livenessProbe=_object("Periodic probe; the container is restarted when it fails."),
    readinessProbe=_object("Periodic probe; the pod is ready while it succeeds."),
    securityContext=_object("Security options of the container."),
    workingDir=_string("Working directory of the container."),
)
_POD_SPEC = _object(
    "Specification of the desired behaviour of the pod.",
    containers=_list("Containers of the pod.", _CONTAINER),
    initContainers=_list("Containers that run to completion, in order, before the others.", _CONTAINER),
    volumes=_list("Volumes that containers can mount.", _object("Volume has a name and a source.")),
    restartPolicy=_string("Always (the default), OnFailure or Never."),
    serviceAccountName=_string("Name of the ServiceAccount that the pod runs as."),
    automountServiceAccountToken=_boolean("Whether a token is mounted into the containers."),
    nodeName=_string("Node that runs the pod."),
    nodeSelector=_map("Labels that a node must have."),
    terminationGracePeriodSeconds=_integer("Seconds between the request to stop and the kill."),
    activeDeadlineSeconds=_integer("Seconds that the pod may be active."),
    securityContext=_object("Security options of all containers."),
    imagePullSecrets=_list("Secrets for pulling images.", _REFERENCE),
)
_POD_STATUS = _object(
    "Most recently observed status of the pod.",
    phase=_string("Pending, Running, Succeeded, Failed or Unknown."),
    reason=_string("Why the pod is in this state, for programs."),
    message=_string("Why the pod is in this state, for people."),
    conditions=_list("Current service state of the pod.", _object("One aspect of the state.")),
    containerStatuses=_list("One status for each container.", _object("State of one container.")),
    initContainerStatuses=_list("One status for each init container.", _object("State of one container.")),
    podIP=_string("Address of the pod."),
    startTime=_time("When the node took the pod."),
)
_RULES = _list(
    "What may be done.",
    _object(
        "PolicyRule says which verbs are allowed on which resources.",
        apiGroups=_list("Groups that the resources are in; the core group is the empty string."),
        nonResourceURLs=_list("Paths of the API that are no resources; in ClusterRoles only."),
        resourceNames=_list("Names that the rule is for; all if there are none."),
        resources=_list("Resources, or parts of them such as pods/log."),
        verbs=_list("What may be done with them."),
    ),
)
_BINDING = {
    "roleRef": _object(
        "The role that is given. It cannot be changed.",
        apiGroup=_string("API group of the role."),
        kind=_string("Role or ClusterRole."),
        name=_string("Name of the role."),
    ),
    "subjects": _list(
        "Who gets the role.",
        _object(
            "Subject names a user, a group or a service account.",
            apiGroup=_string("API group of the subject."),
            kind=_string("User, Group or ServiceAccount."),
            name=_string("Name of the subject."),
            namespace=_string("Namespace of a service account."),
        ),
    ),
}
_SCHEMAS: dict[str, dict[str, Body]] = {
    "ClusterRole": {
        "rules": _RULES,
        "aggregationRule": _object("Roles whose rules this one collects; not followed by this server."),
    },
    "ClusterRoleBinding": _BINDING,
    "ConfigMap": {
        "data": _map("Data contains the configuration data: UTF-8 text by key."),
        "binaryData": _map("BinaryData contains the binary data, base64 by key.", format="byte"),
        "immutable": _boolean("Immutable, if set to true, ensures that data cannot be updated."),
    },
    "CustomResourceDefinition": {
        "spec": _object(
            "Spec describes how the user wants the resources to appear.",
            group=_string("API group of the defined custom resource."),
            names=_object("Resource and kind names."),
            scope=_string("Cluster or Namespaced."),
            versions=_list("All API versions of the resource.", _object("A version with its schema.")),
            conversion=_object("How versions are converted; only strategy None is served."),
        ),
        "status": _object("Status indicates the actual state of the definition."),
    },
    "Event": {
        "involvedObject": _REFERENCE,
        "reason": _string("Why the event happened: a short, machine understandable word."),
        "message": _string("What happened, for people."),
        "type": _string("Normal or Warning."),
        "count": _integer("How often the event has occurred."),
        "firstTimestamp": _time("When the event was first recorded."),
        "lastTimestamp": _time("When the event was last recorded."),
        "source": _object("The component that reports the event."),
    },
    "Lease": {
        "spec": _object(
            "Spec contains the specification of the Lease.",
            holderIdentity=_string("Identity of the holder."),
            leaseDurationSeconds=_integer("Seconds that others wait, from renewTime, before they take it."),
            acquireTime=_time("When the current holder acquired the lease."),
            renewTime=_time("When the current holder last renewed the lease."),
            leaseTransitions=_integer("How often the holder has changed."),
        )
    },
    "Namespace": {
        "spec": _object("Spec of the namespace.", finalizers=_list("What must be done before it goes.")),
        "status": _object("Status of the namespace.", phase=_string("Active or Terminating.")),
    },
    "Node": {
        "spec": _object("Spec of the node.", unschedulable=_boolean("Whether new pods are kept away.")),
        "status": _object("Most recently observed status of the node."),
    },
    "Pod": {"spec": _POD_SPEC, "status": _POD_STATUS},
    "Role": {"rules": _RULES},
    "RoleBinding": _BINDING,
    "Secret": {
        "data": _map("Data contains the secret data, base64 by key.", format="byte"),
        "stringData": _map("StringData is write-only text that the server puts into data."),
        "type": _string("Used to facilitate programmatic handling of secret data."),
        "immutable": _boolean("Immutable, if set to true, ensures that data cannot be updated."),
    },
    "Service": {
        "spec": _object(
            "Spec defines the behaviour of a service.",
            selector=_map("Labels of the pods that traffic goes to."),
            ports=_list("Ports that the service exposes.", _object("A port and its target.")),
            type=_string("ClusterIP (the default), NodePort, LoadBalancer or ExternalName."),
            clusterIP=_string("Address of the service."),
        ),
        "status": _object("Most recently observed status of the service."),
    },
    "ServiceAccount": {
        "secrets": _list("Secrets that pods of this account may use.", _REFERENCE),
        "imagePullSecrets": _list("Secrets for pulling images.", _REFERENCE),
        "automountServiceAccountToken": _boolean("Whether pods get a token of this account mounted."),
    },
}


def schema_for(kind: str) -> Body:
    """The schema of a built-in kind, without apiVersion, kind and metadata; open when there is none."""
    properties = _SCHEMAS.get(kind)
    if properties is None:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"type": "object", "properties": properties}
