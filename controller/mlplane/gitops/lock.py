"""Pin the code and data of manifests to the last commit that changed them, and find pins that are stale.

A manifest names a path of its own repository and the commit to read it at. A person edits the path; ``mlplane
lock`` writes the commit. Called by ``cli.lock``, ``gitops.scaffold`` and ``gitops.validate``.
"""

from dataclasses import dataclass
from pathlib import Path

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops import git
from mlplane.gitops.hubpins import head_of, hub_pins
from mlplane.gitops.pins import UNPINNED, Pin, Scalar, identity, pins, replaced

SUFFIXES = (".yaml", ".yml")


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


@dataclass(frozen=True)
class StalePin:
    """A pin that no longer stands for what its path is."""

    file: str
    line: int
    path: str
    commit: str
    message: str
    """One sentence, with the next step."""


def lock(repo: Path) -> list[Change]:
    """Pin every source of this repository to the last commit that changed its path; returns what moved.

    Sources of a hub that were never pinned are pinned to what it has now.

    Raises:
        InvalidInput: A hub has no such dataset. Nothing was written then.
        Terminal: A path has changes that are not committed, or is in no commit. Nothing was written then.
    """
    texts = {name: _read(repo, name) for name in git.worktree_files(repo, SUFFIXES)}
    own = _identities(repo)
    sources = [
        (file, pin)
        for file, text in texts.items()
        for pin in _pins(text, file)
        if identity(pin.url.value) in own
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


def stale(repo: Path, text: str, file: str) -> list[StalePin]:
    """The pins of a file that do not stand for what their path is at HEAD.

    Content is compared, not ids: history that was rewritten around a path leaves its pin valid.
    """
    own = _identities(repo)
    found = []
    for pin in pins(text, file):
        if identity(pin.url.value) in own and (problem := _problem(repo, pin)):
            where = (file, pin.line, pin.path.value, pin.commit.value)
            found.append(StalePin(*where, f"{problem}; run `mlplane lock --commit`"))
    return found


def _problem(repo: Path, pin: Pin) -> str:
    """What is wrong with a pin of this repository; empty if nothing is."""
    path, commit = pin.path.value, pin.commit.value
    if commit == UNPINNED:
        return f"{path} is not pinned yet"
    try:
        git.resolve(repo, commit)
    except Terminal:
        return f"{path} is pinned to {commit[:12]}, which this repository does not have"
    if git.tree_id(repo, path) != git.tree_id(repo, path, commit):
        return f"{path} has changed since commit {commit[:12]}"
    if not git.is_ancestor(repo, commit):
        return f"{path} is pinned to {commit[:12]}, which is not in the history of HEAD"
    return ""


def _commit_of(repo: Path, path: str) -> str:
    if git.is_dirty(repo, path):
        raise Terminal(f"{path} has changes that are not committed: commit them, then lock again")
    return git.last_commit(repo, path)


def _identities(repo: Path) -> set[str]:
    return {identity(url) for url in git.remote_urls(repo)}


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
