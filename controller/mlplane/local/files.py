"""Files that appear whole: a reader or a crash sees the old content or the new. Used by ``state``, ``up``."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomic(path: Path, content: str, mode: int) -> None:
    """Replace a file as a whole: a reader or a crash sees the old content or the new, never a part."""
    _temporary(path, content, mode).replace(path)


def write_once(path: Path, content: str, mode: int) -> None:
    """Write a file unless it is there; of two processes that try, one wins. Corrects a wider mode."""
    if path.exists():
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        return
    temporary = _temporary(path, content, mode)
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(temporary)
    temporary.unlink()


def _temporary(path: Path, content: str, mode: int) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
