"""What a container's process is started with: its command line and environment. Pure.

The environment holds what is declared and the least that a program expects, and nothing of the plane's
own: no token, no KUBECONFIG.
"""

import base64
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlplane.api import Body
from mlplane.api.refs import Ref
from mlplane.local.node.containerlimits import cpus_of
from mlplane.local.node.placing import asks_for_gpus
from mlplane.local.node.podfields import field_of
from mlplane.local.node.refusals import CONFIG_ERROR, CannotStart
from mlplane.local.nodenames import HOST_IP
from mlplane.local.podfolder import PodFolder

Sources = Mapping[Ref, Body | None]
"""The ConfigMaps and Secrets that a Pod names, as far as they exist."""

_PYTHON = ("python", "python3")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def source_refs(pod: Body) -> frozenset[Ref]:
    """The ConfigMaps and Secrets that a Pod's containers and volumes name."""
    return frozenset(_named_sources(pod))


def _named_sources(pod: Body) -> Iterator[Ref]:
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        if "configMap" in volume:
            yield Ref("v1", "ConfigMap", namespace, volume["configMap"].get("name", ""))
    for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
        for source in container.get("envFrom") or ():
            for field, kind in _WHOLE_REFS.items():
                if field in source:
                    yield Ref("v1", kind, namespace, source[field]["name"])
        for variable in container.get("env") or ():
            for field, kind in _KEY_REFS.items():
                if field in (variable.get("valueFrom") or {}):
                    yield Ref("v1", kind, namespace, variable["valueFrom"][field]["name"])


_WHOLE_REFS = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
_KEY_REFS = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


def environment_of(
    pod: Body,
    container: Body,
    sources: Sources,
    ports: Mapping[str, int],
    folder: PodFolder,
    gpus: Sequence[str] = (),
) -> dict[str, str]:
    """The whole environment of a container's process.

    Args:
        pod: The Pod.
        container: One of its containers.
        sources: What ``source_refs`` names.
        ports: Real port for each declared one (by its number, as text).
        folder: The pod's folder.
        gpus: Numbers of the GPUs that the pod holds.

    Raises:
        CannotStart: a ConfigMap, a Secret or a key is missing, or a source of values is not supported.
    """
    made = _minimal(folder, container)
    # Who asks for none sees none, as on a cluster.
    made["CUDA_VISIBLE_DEVICES"] = ",".join(gpus) if asks_for_gpus(container) else ""
    if gpus:
        made["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as nvidia-smi numbers them; CUDA begins with the fastest
    declared = container.get("ports") or ()
    if declared:
        made |= {"HOST": HOST_IP, "PORT": str(ports[str(declared[0]["containerPort"])])}
    for source in container.get("envFrom") or ():
        made |= _all_of(pod, source, sources)
    for variable in container.get("env") or ():
        if variable.get("valueFrom"):
            value = _value_from(pod, variable, sources)
        else:
            value = folder.map_text(_expanded(variable.get("value") or "", made))
        if value is not None:
            made[variable["name"]] = value
    return made


def command_of(container: Body, environment: Mapping[str, str], folder: PodFolder) -> list[str]:
    """The command line; ``python`` is the interpreter that runs this."""
    words = [*container["command"], *(container.get("args") or ())]
    mapped = [folder.map_text(_expanded(word, environment)) for word in words]
    return [sys.executable, *mapped[1:]] if mapped[0] in _PYTHON else mapped


def _minimal(folder: PodFolder, container: Body) -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    return {
        "PATH": f"{here}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder.root / "home"),
        "TMPDIR": str(folder.root / "tmp"),
        "LANG": "C.UTF-8",
        # Pods share the cores with each other and with a person: more threads than free cores make a small
        # network train many times slower, because each operation waits for the slowest.
        "OMP_NUM_THREADS": str(cpus_of(container) or max(1, (os.cpu_count() or 1) // 2)),
    }


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """``$(NAME)`` replaced where the name is known; ``$$`` is one ``$``."""
    return _REFERENCE.sub(lambda m: "$" if m[0] == "$$" else known.get(m[1], m[0]), text)


def _all_of(pod: Body, source: Body, sources: Sources) -> dict[str, str]:
    """Every key of a ConfigMap or a Secret whose name can be that of a variable; others are left out."""
    field, kind = next((field, kind) for field, kind in _WHOLE_REFS.items() if field in source)
    ref = Ref("v1", kind, pod["metadata"]["namespace"], source[field]["name"])
    body = sources.get(ref)
    if body is None and not source[field].get("optional"):
        raise CannotStart(CONFIG_ERROR, f'{kind.lower()} "{ref.name}" not found')
    keys = (key for key in (body or {}).get("data") or {} if _VARIABLE.fullmatch(key))
    return {source.get("prefix", "") + key: _plain(ref, (body or {})["data"][key]) for key in keys}


def _plain(ref: Ref, value: str) -> str:
    return base64.b64decode(value).decode() if ref.kind == "Secret" else str(value)


def _value_from(pod: Body, variable: Body, sources: Sources) -> str | None:
    origin = variable["valueFrom"]
    if "fieldRef" in origin:
        return field_of(pod, origin["fieldRef"]["fieldPath"])
    for field, kind in _KEY_REFS.items():
        if field in origin:
            return _key(
                Ref("v1", kind, pod["metadata"]["namespace"], origin[field]["name"]), origin[field], sources
            )
    message = f"env {variable['name']}: valueFrom {', '.join(origin)} is not supported"
    raise CannotStart(CONFIG_ERROR, message)


def _key(ref: Ref, selector: Body, sources: Sources) -> str | None:
    body, key = sources.get(ref), selector["key"]
    kind = ref.kind.lower()
    if body is not None and key in (body.get("data") or {}):
        return _plain(ref, body["data"][key])
    if selector.get("optional"):
        return None
    message = (
        f'{kind} "{ref.name}" not found' if body is None else f"couldn't find key {key} in {kind} {ref.name}"
    )
    raise CannotStart(CONFIG_ERROR, message)
