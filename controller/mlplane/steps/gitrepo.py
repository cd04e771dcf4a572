"""Code and data out of git: one commit is fetched, and files are read from the object store.

There is no checkout, so no hook, filter, LFS download, submodule or attribute of the repository can run or
change anything. Where a URL is really fetched from is git's own configuration (``steps.gitcommand``).
"""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from mlplane.api.meta import GitSource
from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.steps.gitcommand import CommitUnavailable, TooLarge, run_git

_FILE_MODES = frozenset({"100644", "100755"})
MAX_LISTING = 32 << 20
"""Bytes of the list of a directory: some 300 for each file that a source may have."""


class Entry(NamedTuple):
    """A file in a git tree."""

    mode: str
    kind: str
    object_id: str
    path: str
    size: int = 0
    """Bytes of a file."""


@dataclass(frozen=True)
class Repository:
    """A bare repository with one commit."""

    directory: Path
    source: GitSource

    def tree_id(self) -> str:
        """Object id of the source's path, a directory: the identity of its content.

        Raises:
            InvalidInput: the commit has no such directory.
        """
        entry = self._entry_of_source()
        if entry.kind != "tree":
            raise InvalidInput(f"{self.source.path} at commit {self.source.commit} is not a directory")
        return entry.object_id

    def files(self) -> list[Entry]:
        """The files of the source's path, a directory.

        Raises:
            InvalidInput: there is no such directory, it has too many files, or something in it is a link or a
                submodule.
        """
        listing = self._listing(self.tree_id())
        entries = [_entry(line) for line in listing.decode(errors="surrogateescape").split("\0") if line]
        for entry in entries:
            _check_entry(entry, f"{self.source.path}/{entry.path}")
        return entries

    def selected(self) -> list[Entry]:
        """What the source's path names: a file, under its base name, or all files of a directory.

        Raises:
            InvalidInput: there is neither, or something is a link or a submodule.
        """
        entry = self._entry_of_source()
        if entry.kind == "tree":
            return self.files()
        _check_entry(entry, self.source.path)
        return [entry._replace(path=self.source.path.rpartition("/")[2])]

    def read(self, entry: Entry) -> bytes:
        """The content of a small file."""
        return self._git("cat-file", "blob", entry.object_id)

    def extract(self, directory: Path) -> None:
        """Write the files of the source's path, a directory, to another."""
        entries = self.files()
        with tempfile.TemporaryFile() as blobs:
            for entry, offset in zip(entries, self.write_blobs(entries, blobs), strict=True):
                target = directory / entry.path
                target.parent.mkdir(parents=True, exist_ok=True)
                blobs.seek(offset)
                target.write_bytes(blobs.read(entry.size))

    def write_blobs(self, entries: Iterable[Entry], target: IO[bytes]) -> list[int]:
        """Write the contents of files one after the other, and say where in ``target`` each begins."""
        entries = list(entries)
        wanted = "".join(f"{entry.object_id}\n" for entry in entries).encode()
        run_git(self.directory, ["cat-file", "--batch"], stdin=wanted, stdout=target.fileno())
        offsets, end = [], 0
        for entry in entries:
            # An answer is "<id> blob <size>", the content, and a line end.
            start = end + len(f"{entry.object_id} blob {entry.size}\n")
            offsets.append(start)
            end = start + entry.size + 1
        return offsets

    def _listing(self, tree: str) -> bytes:
        """All files below a tree, by way of a file: a pipe has no limit, and one tree may stand in many."""
        with tempfile.TemporaryFile() as listing:
            arguments = ["ls-tree", "-r", "-l", "-z", tree]
            try:
                run_git(self.directory, arguments, stdout=listing.fileno(), max_file=MAX_LISTING)
            except TooLarge as error:
                raise InvalidInput(
                    f"{self.source.path} at commit {self.source.commit} has too many files: their list may "
                    f"have {MAX_LISTING} bytes; pack them into an archive"
                ) from error
            listing.seek(0)
            return listing.read()

    def _entry_of_source(self) -> Entry:
        listing = self._git("ls-tree", "-l", "-z", self.source.commit, "--", self.source.path).decode()
        lines = [line for line in listing.split("\0") if line]
        if len(lines) != 1:
            raise InvalidInput(
                f"{self.source.path} is not in commit {self.source.commit} of {self.source.url}; "
                "correct path or run `mlplane lock --commit`"
            )
        return _entry(lines[0])

    def _git(self, *arguments: str) -> bytes:
        return run_git(self.directory, list(arguments))


@retry(
    retry=retry_if_exception_type(Transient),
    stop=stop_after_attempt(4),
    wait=wait_exponential(max=15),
    reraise=True,
)
def fetch(
    source: GitSource,
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    max_file: int | None = None,
) -> Repository:
    """Fetch the commit of a source into a bare repository.

    Args:
        source: Repository, path and commit.
        directory: Where the repository is made, or made already.
        settings: Configuration of git for this.
        max_file: Most bytes that come.

    Raises:
        InvalidInput: there is no such commit.
        TooLarge: more bytes would come.
        Terminal: git is not there, or may not read the repository.
        Transient: the network or the server fails, also after some tries. Argo would not try again: to it,
            a step that says no has failed.
    """
    run_git(directory, ["init", "--quiet", "--bare", "--template=", "."])
    flags = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    try:
        wanted = ["fetch", *flags, "--depth=1", source.url, source.commit]
        run_git(directory, wanted, settings=settings, max_file=max_file)
    except CommitUnavailable:
        # Some servers give single commits only if a branch ends there: then all branches are needed.
        wanted = ["fetch", *flags, source.url, "+refs/heads/*:refs/heads/*"]
        run_git(directory, wanted, settings=settings, max_file=max_file)
    try:
        run_git(directory, ["cat-file", "-e", f"{source.commit}^{{commit}}"])
    except Terminal as error:
        raise InvalidInput(f"{source.url} has no commit {source.commit}; is it pushed?") from error
    return Repository(directory, source)


def _entry(line: str) -> Entry:
    facts, _, path = line.partition("\t")
    mode, kind, object_id, size = facts.split()
    return Entry(mode, kind, object_id, path, int(size) if size.isdecimal() else 0)


def _check_entry(entry: Entry, path: str) -> None:
    """Only plain files, which lie where their path says."""
    if entry.kind != "blob" or entry.mode not in _FILE_MODES:
        found = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a directory"}.get(
            entry.mode
        )
        raise InvalidInput(
            f"{path} is {found or 'of mode ' + entry.mode}; only plain files are read from git"
        )
    if {"", ".", "..", ".git"} & set(entry.path.split("/")):
        raise InvalidInput(f"{path!r} leads out of its directory")
