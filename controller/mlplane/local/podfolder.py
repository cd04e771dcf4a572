"""Where a pod's files are, and how the paths that its containers see are mapped to them."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from mlplane import names
from mlplane.body import Body
from mlplane.errors import InvalidInput

PREFIXES = (names.WORK_DIR, names.MODEL_DIR)
_MAPPED = re.compile(r"(?:(?<=file://)|(?<![\w./-]))(" + "|".join(map(re.escape, PREFIXES)) + r")(?![\w.-])")
"""A prefix as a whole path or followed by more of one, at the start of a path or of a file URL."""


def is_file_name(name: str) -> bool:
    """Whether a name can be that of a file in a folder, and leads nowhere else."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def _plain(container: str) -> str:
    if not is_file_name(container):
        message = f"name {container!r} cannot be that of a file; use letters, digits and '-'"
        raise InvalidInput(message)
    return container


@dataclass(frozen=True)
class PodFolder:
    """The folder of one pod: ``<state>/pods/<uid>``.

    What asks for a path of a container raises InvalidInput if its name could lead out of the folder.
    """

    root: Path

    def map_text(self, text: str) -> str:
        """The text with the containers' path prefixes replaced by the real ones."""
        return _MAPPED.sub(lambda found: str(self.path_of(found[1])), text)

    def path_of(self, path: str) -> Path:
        """Where a path under one of the prefixes really is."""
        return self.root / path.removeprefix("/")

    def claim(self, namespace: str, name: str) -> Path:
        """The folder that stands for a PersistentVolumeClaim: ``<state>/volumes/<namespace>/<claim>``."""
        return self.root.parent.parent / "volumes" / namespace / _plain(name)

    def log(self, container: str) -> Path:
        """Standard output and error of a container's present attempt."""
        return self.root / f"{_plain(container)}.log"

    def previous_log(self, container: str) -> Path:
        """The same of the attempt before."""
        return self.root / f"{_plain(container)}.previous.log"

    def stdout(self, container: str) -> Path:
        """Standard output alone of a container's present attempt, if its Pod asks for it."""
        return self.root / f"{_plain(container)}.stdout"

    def attempts(self, container: str) -> Path:
        """The folder that holds one run folder for each attempt, named by its number from 0."""
        return self.root / "run" / _plain(container)

    @property
    def verdict(self) -> Path:
        """Why the node ended the pod, as JSON; written before it does."""
        return self.root / "verdict.json"

    @property
    def gpus(self) -> Path:
        """Numbers of the GPUs that the pod holds, as JSON; missing if it holds none."""
        return self.root / "gpus.json"

    @property
    def ports(self) -> Path:
        """Which port stands for which declared one, as JSON."""
        return self.root / "ports.json"

    def make(self) -> None:
        """Make the folder and what is in every pod's folder."""
        for each in (*map(self.path_of, PREFIXES), self.root / "home", self.root / "tmp"):
            each.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.root, ignore_errors=True)


def pods_folder(state_root: Path) -> Path:
    """The folder of all pods' folders."""
    return state_root / "pods"


def folder_of(state_root: Path, pod: Body) -> PodFolder:
    """The folder of a pod, from its object."""
    return PodFolder(pods_folder(state_root) / pod["metadata"]["uid"])
