"""The history of a server's pin, as the main branch of a repository tells it.

Called by ``gitops.promoting``, ``gitops.rollingback`` and ``mlplane check``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mlplane.api.judgement import PinnedRef
from mlplane.errors import InvalidInput
from mlplane.gitops import git
from mlplane.gitops.pinhistory import Moment, PinHistory, history_of
from mlplane.gitops.serverpins import pin_in
from mlplane.gitops.trailers import RE_PROMOTE, read

_RECORD = "%H%x00%P%x00%ct%x00%B"
"""Four fields, each ended by a zero byte: the one that no message can hold."""


def pin_history(repo: Path, revision: str, file: str) -> PinHistory:
    """What a server's manifest has pinned, commit by commit of the main branch.

    Args:
        repo: The repository.
        revision: Tip of the main branch.
        file: Path of the manifest.

    Raises:
        Terminal: git fails.
    """
    out = git.run(repo, "log", "-z", "--first-parent", "-m", f"--format={_RECORD}", revision, "--", file)
    fields = out.stdout.decode(errors="replace").split("\0")
    records = zip(*(fields[place::4] for place in range(4)), strict=False)
    return history_of(_moment(repo, record, file) for record in reversed(list(records)))


def is_let_again(repo: Path, digest: str, since: str, *revisions: str) -> bool:
    """Whether a commit of the revisions that came after another one says ``Re-promote`` of a digest."""
    wanted = ("log", "--format=%B%x00", f"--grep=^{RE_PROMOTE}:", f"^{since}", *revisions)
    messages = git.run(repo, *wanted).stdout.decode(errors="replace").split("\0")
    return any(digest in read(message).get(RE_PROMOTE, ()) for message in messages)


def _moment(repo: Path, record: Sequence[str], file: str) -> Moment:
    commit, parents, seconds, message = record
    first, *merged = parents.split()[:2] or ("",)
    if merged:
        asked = git.run(repo, "log", "--format=%B", f"{first}..{merged[0]}")
        message += asked.stdout.decode(errors="replace")
    when = datetime.fromtimestamp(int(seconds), UTC)
    return Moment(commit, when, message, _pin(repo, commit, file))


def _pin(repo: Path, commit: str, file: str) -> PinnedRef | None:
    """The pin in a commit; None where there is no such file, or none that can be read."""
    done = git.run(repo, "cat-file", "blob", f"{commit}:{file}", check=False)
    if done.returncode != 0:
        return None
    try:
        return pin_in(done.stdout.decode(errors="replace"), file)
    except InvalidInput:
        return None
