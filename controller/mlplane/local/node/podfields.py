"""Fields of a Pod that its containers may ask for, in their environment or as files. Pure."""

import re

from mlplane.api import Body
from mlplane.local.node.refusals import CONFIG_ERROR, CannotStart
from mlplane.local.nodenames import HOST_IP

_ENTRY = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


def field_of(pod: Body, path: str) -> str:
    """The value at a path such as ``metadata.name`` or ``metadata.labels['a']``.

    Raises:
        CannotStart: the field is not supported.
    """
    meta = pod["metadata"]
    entry = _ENTRY.fullmatch(path)
    if entry is not None:
        return str((meta.get(entry[1]) or {}).get(entry[2], ""))
    fields: dict[str, str] = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
    }
    fields |= {"status.podIP": HOST_IP, "spec.nodeName": pod["spec"].get("nodeName", "")}
    if path not in fields:
        allowed = ", ".join((*fields, "metadata.labels['KEY']", "metadata.annotations['KEY']"))
        raise CannotStart(CONFIG_ERROR, f"fieldRef {path!r} is not supported; allowed are {allowed}")
    return fields[path]
