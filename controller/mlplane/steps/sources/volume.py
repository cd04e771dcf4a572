"""Files on a volume that is mounted into the step; what is on it may change at any time.

Every part of a path is opened in the folder before it and never through a link, so that nobody who writes to
the volume leads the step out of it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlplane import names
from mlplane.api.datasource import PvcSource
from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.steps.sources.found import Access, Found
from mlplane.store.digest import CHUNK


def find_volume(source: PvcSource, access: Access) -> Iterator[Found]:
    """The file, or all files below the directory."""
    del access
    root = Path(os.environ.get(names.WORK_DIR_ENV) or names.WORK_DIR) / Path(names.VOLUME_DIR).name
    with _errors_of(source, source.path):
        facts = _facts(root, source.path)
        if stat.S_ISREG(facts.st_mode):
            yield _found(source, root, source.path, source.path.rpartition("/")[2], facts.st_size)
            return
        yield from _below(source, root)


def _below(source: PvcSource, root: Path) -> Iterator[Found]:
    top = _open(root, source.path, os.O_DIRECTORY)
    try:
        for folder, folders, files, descriptor in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            for name in (*folders, *files):
                path = f"{folder}/{name}".removeprefix("./")
                facts = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode):
                    yield _found(source, root, f"{source.path}/{path}", path, facts.st_size)
                elif not stat.S_ISDIR(facts.st_mode):
                    raise InvalidInput(
                        f"{path} on the volume is a link or a special file; only files are read"
                    )
    finally:
        os.close(top)


def _found(source: PvcSource, root: Path, whole: str, path: str, size: int) -> Found:
    def read() -> Iterator[bytes]:
        with _errors_of(source, whole), _opened(root, whole) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    return Found(path, size, read)


def _facts(root: Path, path: str) -> os.stat_result:
    descriptor = _open(root, path, os.O_NONBLOCK)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _opened(root: Path, path: str) -> Iterator[IO[bytes]]:
    with os.fdopen(_open(root, path, os.O_NONBLOCK), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise InvalidInput(f"{path} on the volume is a special file; only files are read")
        yield stream


def _open(root: Path, path: str, flags: int) -> int:
    """A descriptor of what lies at a path, reached without following a link."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    *folders, last = path.split("/")
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _errors_of(source: PvcSource, path: str) -> Iterator[None]:
    where = f"{path} on the volume of claim {source.claim}"
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput(
            f"{where} is not there, or leads through a link; correct spec.source.pvc"
        ) from error
    except PermissionError as error:
        raise Terminal(f"{where} may not be read by the step's user") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InvalidInput(f"{where} is a link; only files and directories are read") from error
        raise Transient(f"{where} cannot be read: {error.strerror}") from error
