"""What keeps a container from starting here: images and Pod features that the process runtime does not have.

A Pod that asks for more than this runtime can do waits with a message that names the field; nothing
is left out silently. What has no meaning for a process (requests, securityContext, service account,
scheduling) is not looked at.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlplane.api import Body
from mlplane.errors import Transient
from mlplane.local.podfolder import PREFIXES, is_file_name
from mlplane.names import SHARED_MEMORY_DIR


class CannotStart(Transient):
    """A container cannot be started now; ``reason`` is what the kubelet would say in ``state.waiting``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


CONFIG_ERROR = "CreateContainerConfigError"
_HOOKS = ("livenessProbe", "readinessProbe", "startupProbe")
_VOLUMES = ("emptyDir", "configMap", "downwardAPI", "persistentVolumeClaim")
_UNSUPPORTED = ("lifecycle", "volumeDevices", "workingDir")


def check(pod: Body, container: Body, images: tuple[str, ...]) -> None:
    """Raise ``CannotStart`` if the container asks for what this node cannot do."""
    image = container.get("image", "")
    if not any(fnmatchcase(image, pattern) for pattern in images):
        message = (
            f"image {image!r} is not run here: containers are processes of this machine, and only "
            f"{', '.join(images)} may be; use such an image, or allow this one where the plane is started"
        )
        raise CannotStart("ErrImagePull", message)
    problems = [*_container_problems(container), *_mount_problems(pod, container)]
    if problems:
        raise CannotStart(
            CONFIG_ERROR, f"the process runtime cannot run this container: {'; '.join(problems)}"
        )


def _container_problems(container: Body) -> Iterator[str]:
    if not is_file_name(container["name"]):
        yield f"name {container['name']!r} cannot be that of a file; use letters, digits and '-'"
    if not container.get("command"):
        yield "command is missing, and entry points of images are not known here"
    if container.get("restartPolicy"):
        yield "restartPolicy of a container (a sidecar) is not supported"
    yield from (f"{name} is not supported" for name in _UNSUPPORTED if container.get(name))
    for name in _HOOKS:
        if container.get(name) and not {"httpGet", "tcpSocket"} & container[name].keys():
            yield f"{name} must be httpGet or tcpSocket"


def _mount_problems(pod: Body, container: Body) -> Iterator[str]:
    volumes = {v["name"]: v for v in pod["spec"].get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        name, path = mount["name"], mount["mountPath"]
        volume = volumes.get(name)
        if volume is None:
            yield f"volumeMounts names volume {name!r}, which the pod does not have"
        elif not any(kind in volume for kind in _VOLUMES):
            kind = ", ".join(k for k in volume if k != "name") or "nothing"
            yield f"volume {name!r} is {kind}; allowed are {', '.join(_VOLUMES[:-1])} and {_VOLUMES[-1]}"
        elif (volume.get("emptyDir") or {}).get("medium") and not is_shared_memory(volume, path):
            yield f"volume {name!r} is in memory; only {SHARED_MEMORY_DIR} may be"
        elif not is_file_name((volume.get("persistentVolumeClaim") or {}).get("claimName", "none")):
            yield f"volume {name!r} names a claim that cannot be a folder"
        if mount.get("subPath") or mount.get("subPathExpr"):
            yield f"the mount of volume {name!r} has a subPath"
        if is_shared_memory(volume, path):
            continue
        if not _is_mapped(path):
            yield f"mountPath {path!r} is not under {' or '.join(PREFIXES)}"
    yield from _moved_volumes(pod)


def is_shared_memory(volume: Body | None, path: str) -> bool:
    """Whether a mount stands for the machine's own shared memory, which every process has."""
    medium = ((volume or {}).get("emptyDir") or {}).get("medium")
    return medium == "Memory" and path.rstrip("/") == SHARED_MEMORY_DIR


def _is_mapped(path: str) -> bool:
    under = any(path.rstrip("/") == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)
    return under and ".." not in path.split("/")


def _moved_volumes(pod: Body) -> Iterator[str]:
    """An emptyDir that is seen under two paths: here a path is a folder, and two paths are two."""
    seen: dict[str, str] = {}
    shared = {v["name"] for v in pod["spec"].get("volumes") or () if "emptyDir" in v}
    for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
        for mount in container.get("volumeMounts") or ():
            name, path = mount["name"], mount["mountPath"].rstrip("/")
            if name in shared and seen.setdefault(name, path) != path:
                yield f"volume {name!r} is mounted at {seen[name]!r} and at {path!r}; it must be one path"
