"""Pin the code and data of manifests to the last commit that changed them, and find pins that are stale.

A manifest names a path of its own repository and the commit to read it at. A person edits the path; ``mlplane
lock`` writes the commit. Called by ``cli.lock``, ``gitops.scaffold`` and ``gitops.pinfindings``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops import git
from mlplane.gitops.hubpins import head_of, hub_pins
from mlplane.gitops.pins import UNPINNED, Pin, Scalar, identity, pins, replaced
from mlplane.gitops.runmanifests import runs_among, superseded

SUFFIXES = (".yaml", ".yml")


class Content(NamedTuple):
    """A path of a repository and the commit that it is pinned to."""

    path: str
    commit: str


@dataclass(frozen=True)
class Change:
    """A pin that was moved."""

    file: str
    kind: str
    name: str
    path: str
    old: str
    new: str

    @property
    def is_new_content_of_a_run(self) -> bool:
        """Whether a run that may have started already was moved: its spec is immutable on the server."""
        return self.kind == "TrainingRun" and self.old != UNPINNED


def lock(repo: Path) -> list[Change]:
    """Pin every source of this repository to the last commit that changed its path; returns what moved.

    Of the runs of a model only the newest is moved: the others stay what was trained. Sources of a hub that
    were never pinned are pinned to what it has now.

    Raises:
        InvalidInput: A hub has no such dataset. Nothing was written then.
        Terminal: A path has changes that are not committed, or is in no commit. Nothing was written then.
    """
    texts = {name: _read(repo, name) for name in git.worktree_files(repo, SUFFIXES)}
    own = own_identities(repo)
    records = superseded((run.name, run.model) for run in runs_among(texts))
    sources = [
        (file, pin)
        for file, text in texts.items()
        for pin in _pins(text, file)
        if identity(pin.url.value) in own and not _is_record(pin, records)
    ]
    commits = {path: _commit_of(repo, path) for path in sorted({pin.path.value for _, pin in sources})}
    hub = [(file, pin) for file, text in texts.items() for pin in hub_pins(text, file)]
    heads = {name: head_of(name) for name in sorted({pin.repo for _, pin in hub})}
    moved = [(file, pin) for file, pin in sources if pin.commit.value != commits[pin.path.value]]
    new: dict[str, dict[Scalar, str]] = {file: {} for file, _ in (*moved, *hub)}
    for file, pin in moved:
        new[file][pin.commit] = commits[pin.path.value]
    for file, found in hub:
        new[file][found.revision] = heads[found.repo]
    for file in sorted(new):
        (repo / file).write_bytes(replaced(texts[file], new[file]).encode())
    return [_change(file, pin, commits[pin.path.value]) for file, pin in moved] + [
        Change(file, pin.kind, pin.name, pin.repo, UNPINNED, heads[pin.repo]) for file, pin in hub
    ]


def lock_commit(repo: Path) -> tuple[list[Change], str]:
    """The same, and commit the files that changed; returns the changes and the commit, empty if none."""
    changes = lock(repo)
    if not changes:
        return [], ""
    names = ", ".join(dict.fromkeys(change.name for change in changes))
    lines = [f"{change.file}: {change.path} at {change.new[:12]}" for change in changes]
    message = f"Pin {names}\n\n" + "\n".join(lines) + "\n"
    return changes, git.commit(repo, message, sorted({change.file for change in changes}))


def stale(repo: Path, sources: Collection[Content]) -> dict[Content, str]:
    """The contents, of this repository, that do not stand for what their path is at HEAD, and why.

    Content is compared, not ids: history that was rewritten around a path leaves its pin valid. All are asked
    for at once, because a process for each would be slow.

    Raises:
        Terminal: git failed.
    """
    found = git.object_ids(repo, [name for source in sources for name in _names_of(source)])
    problems = {source: _difference(source, found) for source in sources}
    outside = git.not_in_history(repo, {s.commit for s, problem in problems.items() if not problem})
    for path, commit in sources:
        if not problems[Content(path, commit)] and commit in outside:
            lost = f"{path} is pinned to {commit[:12]}, which is not in the history of HEAD"
            problems[Content(path, commit)] = lost
    return {source: f"{why}; run `mlplane lock --commit`" for source, why in problems.items() if why}


def own_identities(repo: Path) -> set[str]:
    """What the repository is called in manifests: the identities of its remotes."""
    return {identity(url) for url in git.remote_urls(repo)}


def _names_of(content: Content) -> tuple[str, str, str]:
    """The objects that tell whether the content is what the path is now."""
    path, commit = content
    return f"{commit}^{{commit}}", f"{commit}:{path}", f"HEAD:{path}"


def _difference(content: Content, found: Mapping[str, str]) -> str:
    """How a pin's content differs from what its path is now; empty if it does not."""
    path, commit = content
    pinned_commit, then, now = (found.get(name) for name in _names_of(content))
    if commit == UNPINNED:
        return f"{path} is not pinned yet"
    if not pinned_commit:
        return f"{path} is pinned to {commit[:12]}, which this repository does not have"
    if not now:
        return f"{path} is in no commit: commit it"
    return "" if then == now else f"{path} has changed since commit {commit[:12]}"


def _commit_of(repo: Path, path: str) -> str:
    if git.is_dirty(repo, path):
        raise Terminal(f"{path} has changes that are not committed: commit them, then lock again")
    return git.last_commit(repo, path)


def _is_record(pin: Pin, records: Collection[str]) -> bool:
    """Whether it is of a run after which its model has another one: it stays what was trained."""
    return pin.kind == "TrainingRun" and pin.name in records and pin.commit.value != UNPINNED


def _read(repo: Path, name: str) -> str:
    try:
        return (repo / name).read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name}: not UTF-8 (byte {error.start})") from error


def _pins(text: str, file: str) -> list[Pin]:
    """Pins of a file; none where it is no manifest at all, such as a template with other brackets."""
    return pins(text, file) if "commit:" in text and "git:" in text else []


def _change(file: str, pin: Pin, new: str) -> Change:
    return Change(file, pin.kind, pin.name, pin.path.value, pin.commit.value, new)
