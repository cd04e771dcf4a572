"""ConfigMap volumes as files in a pod's folder."""

from pathlib import Path

from mlplane.api import Body
from mlplane.api.refs import Ref
from mlplane.local.node.environment import Sources
from mlplane.local.node.refusals import CONFIG_ERROR, CannotStart
from mlplane.local.podfolder import PodFolder


def write_mounts(pod: Body, container: Body, sources: Sources, folder: PodFolder) -> None:
    """Make the folders that a container's mounts stand for, and the files of its ConfigMaps.

    Raises:
        CannotStart: a ConfigMap or a key that is not optional is missing.
    """
    volumes = {v["name"]: v for v in pod["spec"].get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        place = folder.path_of(mount["mountPath"])
        place.mkdir(parents=True, exist_ok=True)
        volume = volumes[mount["name"]].get("configMap")
        if volume is not None:
            ref = Ref("v1", "ConfigMap", pod["metadata"]["namespace"], volume.get("name", ""))
            for path, content in files_of(volume, sources.get(ref)).items():
                _write(place / path, content)


def files_of(volume: Body, config: Body | None) -> dict[str, str]:
    """Path and content of each file of a ConfigMap volume; pure."""
    name, optional = volume.get("name", ""), bool(volume.get("optional"))
    if config is None:
        if optional:
            return {}
        raise CannotStart(CONFIG_ERROR, f'configmap "{name}" not found')
    data: dict[str, str] = config.get("data") or {}
    if not volume.get("items"):
        return data
    missing = [item["key"] for item in volume["items"] if item["key"] not in data]
    if missing and not optional:
        raise CannotStart(CONFIG_ERROR, f'configmap "{name}" has no key {", ".join(missing)}')
    wanted = [item for item in volume["items"] if item["key"] in data]
    escaping = [i["path"] for i in wanted if i["path"].startswith("/") or ".." in i["path"].split("/")]
    if escaping:
        raise CannotStart(CONFIG_ERROR, f"a path of volume items leaves the volume: {', '.join(escaping)}")
    return {item["path"]: data[item["key"]] for item in wanted}


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content)
    partial.replace(path)
