"""Reads what a Pod's container has written: its output parameters and its progress."""

from pathlib import Path

from mlplane.api import Body
from mlplane.local.podfolder import PodFolder, folder_of
from mlplane.local.workflows.pods import PROGRESS_FILE
from mlplane.local.workflows.podstates import PodState, is_over

OUTPUT_LIMIT = 256 * 1024
"""Bytes of one output parameter; it has to fit into the Workflow object with all others."""
PROGRESS_TAIL = 256


def output_paths(workflow: Body) -> frozenset[str]:
    """The files of all output parameters of a Workflow's templates."""
    return frozenset(
        parameter["valueFrom"]["path"]
        for template in workflow["spec"].get("templates") or ()
        for parameter in (template.get("outputs") or {}).get("parameters") or ()
    )


def state_of(pod: Body, paths: frozenset[str], state_root: Path) -> PodState:
    """A Pod with its progress and, when it has ended, those of the output files that it has written."""
    folder = folder_of(state_root, pod)
    progress = _last_line(folder.path_of(PROGRESS_FILE))
    if not is_over(pod):
        return PodState(pod, progress=progress)
    files, unreadable = {}, {}
    for path in paths:
        try:
            content = _content(folder, path)
        except (OSError, ValueError) as error:
            unreadable[path] = f"{path}: {error}"
        else:
            if content is not None:
                files[path] = content
    return PodState(pod, files, unreadable, progress)


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


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - PROGRESS_TAIL))
            lines = file.read().decode(errors="replace").split()
    except OSError:
        return ""
    return lines[-1] if lines else ""
