"""Code and data out of git: one commit is fetched, and files are read from the object store.

There is no checkout, so no hook, filter, LFS download, submodule or attribute of the repository can run or
change anything. Where a URL is really fetched from is git's own configuration (``steps.gitcommand``).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from mlplane.api.meta import GitSource
from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.steps.gitcommand import CommitUnavailable, run_git

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_FILE_MODES = frozenset({"100644", "100755"})


class Entry(NamedTuple):
    """A file in a git tree."""

    mode: str
    kind: str
    object_id: str
    path: str


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
            InvalidInput: there is no such directory, or something in it is a link or a submodule.
        """
        listing = self._git("ls-tree", "-r", "-z", self.tree_id())
        entries = [_entry(line) for line in listing.decode(errors="surrogateescape").split("\0") if line]
        for entry in entries:
            _check_entry(entry, f"{self.source.path}/{entry.path}")
        return entries

    def read(self, entry: Entry) -> bytes:
        """The content of a small file."""
        return self._git("cat-file", "blob", entry.object_id)

    def extract(self, directory: Path) -> None:
        """Write the files of the source's path, a directory, to another."""
        entries = self.files()
        with tempfile.TemporaryFile() as blobs:
            wanted = "".join(f"{entry.object_id}\n" for entry in entries).encode()
            run_git(self.directory, ["cat-file", "--batch"], stdin=wanted, stdout=blobs.fileno())
            blobs.seek(0)
            for entry in entries:
                target = directory / entry.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_next_blob(blobs))

    def write_file(self, target: Path) -> None:
        """Write the source's path, a file, to another.

        Raises:
            InvalidInput: the commit has no such file, or it is a pointer of Git LFS.
        """
        entry = self._entry_of_source()
        _check_entry(entry, self.source.path)
        with target.open("wb") as stream:
            run_git(self.directory, ["cat-file", "blob", entry.object_id], stdout=stream.fileno())
        with target.open("rb") as stream:
            if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise InvalidInput(f"{self.source.path} is a pointer of Git LFS; commit the file itself")

    def _entry_of_source(self) -> Entry:
        listing = self._git("ls-tree", "-z", self.source.commit, "--", self.source.path).decode()
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
def fetch(source: GitSource, directory: Path) -> Repository:
    """Fetch the commit of a source into a bare repository.

    Args:
        source: Repository, path and commit.
        directory: Where the repository is made, or made already.

    Raises:
        InvalidInput: there is no such commit.
        Terminal: git is not there, or may not read the repository.
        Transient: the network or the server fails, also after some tries. Argo would not try again: to it,
            a step that says no has failed.
    """
    run_git(directory, ["init", "--quiet", "--bare", "--template=", "."])
    flags = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    try:
        run_git(directory, ["fetch", *flags, "--depth=1", source.url, source.commit])
    except CommitUnavailable:
        # Some servers give single commits only if a branch ends there: then all branches are needed.
        run_git(directory, ["fetch", *flags, source.url, "+refs/heads/*:refs/heads/*"])
    try:
        run_git(directory, ["cat-file", "-e", f"{source.commit}^{{commit}}"])
    except Terminal as error:
        raise InvalidInput(f"{source.url} has no commit {source.commit}; is it pushed?") from error
    return Repository(directory, source)


def _entry(line: str) -> Entry:
    facts, _, path = line.partition("\t")
    mode, kind, object_id = facts.split(" ")
    return Entry(mode, kind, object_id, path)


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


def _next_blob(stream: BinaryIO) -> bytes:
    """One answer of ``git cat-file --batch``: ``<id> blob <size>``, the content, and a line end."""
    size = int(stream.readline().split()[2])
    content = stream.read(size)
    stream.read(1)
    return content
