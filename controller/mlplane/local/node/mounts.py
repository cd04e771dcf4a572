"""ConfigMaps and fields of the Pod itself as files in a pod's folder; claims as links to theirs."""

from pathlib import Path

from mlplane.api import Body
from mlplane.api.refs import Ref
from mlplane.local.node.environment import Sources
from mlplane.local.node.podfields import field_of
from mlplane.local.node.refusals import CONFIG_ERROR, CannotStart, is_shared_memory
from mlplane.local.podfolder import PodFolder


def write_mounts(pod: Body, container: Body, sources: Sources, folder: PodFolder) -> None:
    """Make the folders that a container's mounts stand for, and the files in them.

    Raises:
        CannotStart: a ConfigMap, a claim or a key is missing and not optional, or a field is not supported.
    """
    volumes = {v["name"]: v for v in pod["spec"].get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        volume = volumes[mount["name"]]
        if is_shared_memory(volume, mount["mountPath"]):
            continue
        place = folder.path_of(mount["mountPath"])
        if (claim := volume.get("persistentVolumeClaim")) is not None:
            _link(place, folder.claim(pod["metadata"]["namespace"], claim.get("claimName", "")))
            continue
        place.mkdir(parents=True, exist_ok=True)
        if (config := volume.get("configMap")) is not None:
            ref = Ref("v1", "ConfigMap", pod["metadata"]["namespace"], config.get("name", ""))
            for path, content in files_of(config, sources.get(ref)).items():
                _write(place / path, content)
        for item in (volume.get("downwardAPI") or {}).get("items") or ():
            # It is the Pod's own text, as its arguments are: paths in it are the container's.
            content = folder.map_text(field_of(pod, (item.get("fieldRef") or {}).get("fieldPath", "")))
            _refuse_escaping([item["path"]])
            _write(place / item["path"], content)


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
    _refuse_escaping([item["path"] for item in wanted])
    return {item["path"]: data[item["key"]] for item in wanted}


def _link(place: Path, volume: Path) -> None:
    """A link, so that what removes the pod's folder leaves the volume alone."""
    if not volume.is_dir():
        advice = f"here it is the folder {volume}: make it and put the data there"
        raise CannotStart(CONFIG_ERROR, f'persistentvolumeclaim "{volume.name}" not found; {advice}')
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(volume, target_is_directory=True)


def _refuse_escaping(paths: list[str]) -> None:
    escaping = [path for path in paths if path.startswith("/") or ".." in path.split("/")]
    if escaping:
        raise CannotStart(CONFIG_ERROR, f"a path of volume items leaves the volume: {', '.join(escaping)}")


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content)
    partial.replace(path)
