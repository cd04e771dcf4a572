"""How the lists of built-in kinds merge: by a key, as a set, or not at all.

Strategic merge patch and server-side apply both read these. Custom resources say it in their CRD.
"""

LIST_MAP_KEYS: dict[str, tuple[str, ...]] = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
    "ports": ("containerPort", "protocol"),
    "resourceClaims": ("name",),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""Name of the field to the keys of its items; the first key alone is strategic merge patch's."""

SERVICE_PORT_KEYS = ("port", "protocol")
"""``ports`` of a Service, unlike those of a container."""

SETS = frozenset(("finalizers",))
"""Lists of scalars in which each value occurs once."""

KEY_DEFAULTS = {"protocol": "TCP"}
"""Keys that an item may leave out."""


def keys_of(field: str, kind: str) -> tuple[str, ...]:
    """Keys of the items of a list field; empty when the list is a set or atomic."""
    if kind == "Service" and field == "ports":
        return SERVICE_PORT_KEYS
    return LIST_MAP_KEYS.get(field, ())


ATOMIC_MAPS = frozenset(
    (
        "claimRef",
        "configMapKeyRef",
        "fieldRef",
        "involvedObject",
        "localObjectReference",
        "nodeSelector",
        "ownerReferences[]",
        "resourceFieldRef",
        "secretKeyRef",
        "selector",
        "targetRef",
    )
)
"""Fields of built-in kinds whose objects have one owner as a whole; ``[]`` stands for the items of a list."""
