"""Reads what a Pod's container has written: its output parameters, its standard output and its progress."""

from pathlib import Path

from mlplane.api import Body
from mlplane.local.podfolder import PodFolder, folder_of
from mlplane.local.workflows.identity import MAIN_CONTAINER
from mlplane.local.workflows.podoutputs import outputs_of, paths_of
from mlplane.local.workflows.pods import PROGRESS_FILE
from mlplane.local.workflows.podstates import PodState, is_over

OUTPUT_LIMIT = 256 * 1024
"""Bytes of one output parameter; it has to fit into the Workflow object with all others."""
PROGRESS_TAIL = 256


def state_of(pod: Body, state_root: Path) -> PodState:
    """A Pod with its progress and, when it has ended, what it was to put out and has written."""
    folder = folder_of(state_root, pod)
    progress = _last_line(folder.path_of(PROGRESS_FILE))
    if not is_over(pod):
        return PodState(pod, progress=progress)
    files, unreadable = {}, {}
    for path in paths_of(pod):
        try:
            content = _content(folder, path)
        except (OSError, ValueError) as error:
            unreadable[path] = f"{path}: {error}"
        else:
            if content is not None:
                files[path] = content
    stdout = _stdout(folder) if outputs_of(pod)["result"] else None
    return PodState(pod, files, unreadable, progress, stdout)


def _content(folder: PodFolder, path: str) -> str | None:
    mapped = Path(folder.map_text(path))
    if not mapped.is_relative_to(folder.root) or ".." in mapped.parts:
        message = "output parameters are read from /mnt/mlplane and /mnt/models only"
        raise ValueError(message)
    if not mapped.exists():
        return None
    if mapped.stat().st_size > OUTPUT_LIMIT:
        message = (
            f"has {mapped.stat().st_size} bytes, {OUTPUT_LIMIT} are allowed; put large results into the store"
        )
        raise ValueError(message)
    return mapped.read_bytes().decode()


def _stdout(folder: PodFolder) -> str | None:
    """The standard output that the node has kept, which is not more than the node keeps."""
    path = folder.stdout(MAIN_CONTAINER)
    return path.read_bytes().decode(errors="replace") if path.exists() else None


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - PROGRESS_TAIL))
            lines = file.read().decode(errors="replace").split()
    except OSError:
        return ""
    return lines[-1] if lines else ""
