"""Files of a source, or of an archive, written to a folder: bounded, each once, nothing outside of it."""

import hashlib
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

from mlplane.data.rawfiles import RawFiles
from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.steps.sources.found import MAX_FILES, Found
from mlplane.steps.sources.guard import was_refused
from mlplane.store.digest import FileEntry, check_path

REPORT_S = 10.0
"""Seconds between two lines about progress."""


@dataclass
class Writing:
    """A folder that files are written to."""

    directory: Path
    max_bytes: int
    _entries: list[FileEntry] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    """What is taken, files and folders: the name without its case, and the file that took it."""
    _folders: set[str] = field(default_factory=set)
    _size: int = 0
    _reported: float = field(default_factory=time.monotonic)

    def add_all(self, found: Iterable[Found]) -> RawFiles:
        """Write files, after a look at what they announce.

        Raises:
            InvalidInput: there is none, there are too many, they are too large, or one cannot be written.
            Transient: one cannot be read, also after some tries.
        """
        files = list(_bounded(found))
        if not files:
            raise InvalidInput("the source has no files")
        announced = sum(file.size or 0 for file in files)
        if announced > self.max_bytes:
            raise self._too_large(f"{len(files)} files with {announced} bytes")
        for file in sorted(files, key=lambda file: plain_path(file.path).encode()):
            self.add(file)
        return self.done()

    def done(self) -> RawFiles:
        """What was written."""
        return RawFiles(self.directory, tuple(sorted(self._entries, key=lambda entry: entry.path.encode())))

    def add(self, file: Found) -> None:
        """Write a file; a failure that may pass is tried again."""
        path = self._claimed(file.path)
        self._entries.append(self._written(path, file))
        self._size += self._entries[-1].size
        if len(self._entries) > MAX_FILES:
            raise InvalidInput(f"the source has more than {MAX_FILES} files")

    @retry(
        retry=retry_if_exception(lambda error: isinstance(error, Transient) and not was_refused(error)),
        stop=stop_after_attempt(4),
        wait=wait_exponential(max=15),
        reraise=True,
    )
    def _written(self, path: str, file: Found) -> FileEntry:
        digest, size = hashlib.sha256(), 0
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            for chunk in file.read():
                size += len(chunk)
                if self._size + size > self.max_bytes:
                    raise self._too_large(f"more than {self.max_bytes} bytes")
                digest.update(chunk)
                stream.write(chunk)
                self._report(size)
        if file.size is not None and size != file.size:
            raise Transient(f"{path} has {file.size} bytes, and {size} came")
        return FileEntry(path, size, digest.hexdigest())

    def _claimed(self, name: str) -> str:
        """The path of a file, if nothing has it yet on any machine, whether or not it tells cases apart."""
        path = plain_path(name)
        folded = path.casefold()
        parents = {str(parent) for parent in PurePosixPath(folded).parents} - {"."}
        clash = self._names.get(folded) or next((self._names[p] for p in parents if p in self._names), None)
        if clash or folded in self._folders:
            other = clash or f"a folder {path!r}"
            raise InvalidInput(f"{path[:200]!r} and {other} cannot lie beside each other; rename one")
        self._names[folded] = path
        self._folders |= parents
        return path

    def _too_large(self, found: str) -> InvalidInput:
        return InvalidInput(
            f"the source has {found}; spec.source.maxSize allows {self.max_bytes} bytes: "
            "raise it, or divide the data"
        )

    def _report(self, size: int) -> None:
        now = time.monotonic()
        if now - self._reported >= REPORT_S:
            self._reported = now
            sys.stdout.write(f"read {self._size + size} bytes, {len(self._entries)} files so far\n")
            sys.stdout.flush()


def plain_path(name: str) -> str:
    """A relative path in its one form: no ``.``, no empty part, accents as one character (NFC).

    Raises:
        InvalidInput: it leads elsewhere, or cannot be the name of a file everywhere.
    """
    if name.startswith("/"):
        raise InvalidInput(f"{name[:200]!r} is an absolute path; a source has relative ones")
    parts = [part for part in unicodedata.normalize("NFC", name).split("/") if part not in ("", ".")]
    path = "/".join(parts)
    try:
        check_path(path)
    except Terminal as error:
        raise InvalidInput(str(error).replace("an artifact", "a source")) from error
    if len(path.encode()) > 1024 or any(len(part.encode()) > 250 for part in parts):
        raise InvalidInput(f"{path[:80]!r}… is too long: 1024 bytes, and 250 between slashes, are allowed")
    return path


def _bounded(found: Iterable[Found]) -> Iterator[Found]:
    for count, file in enumerate(found):
        if count >= MAX_FILES:
            raise InvalidInput(f"the source has more than {MAX_FILES} files; pack them into an archive")
        yield file
