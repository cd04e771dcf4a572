"""What takes a promotion back: its files as they were, and of what was changed since, only the pin. Pure.

Called by ``gitops.rollingback``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mlplane.api.judgement import PinnedRef
from mlplane.errors import InvalidInput
from mlplane.gitops import trailers
from mlplane.gitops.environmentfiles import EnvironmentFiles
from mlplane.gitops.pinhistory import PinHistory
from mlplane.gitops.serverpins import with_pin

Texts = Mapping[str, str]
"""Content of an environment's manifests, by path."""


@dataclass(frozen=True)
class Retreat:
    """What goes back to what."""

    environment: str
    server: str
    commit: str
    """The commit of the main branch that is taken back."""
    bad: PinnedRef
    good: PinnedRef
    files: Mapping[str, str | None]
    """New text by path; None deletes."""

    @property
    def title(self) -> str:
        """Title of the commit and of the pull request."""
        return f"Take {self.server} in {self.environment} back to {self.good.name}"

    @property
    def message(self) -> str:
        """The message of the commit."""
        pairs = [
            (trailers.ENVIRONMENT, self.environment),
            (trailers.SERVER, self.server),
            (trailers.VERSION, self.good.name),
            (trailers.DIGEST, self.good.digest),
            (trailers.ROLLBACK, self.bad.digest),
        ]
        return f"{self.title}\n\nThis reverts commit {self.commit}.\n\n{trailers.block(pairs)}"


def retreat(now: EnvironmentFiles, server: str, history: PinHistory, before: Texts, after: Texts) -> Retreat:
    """Work out what takes the newest promotion of a server back.

    Args:
        now: The environment as it is.
        server: Name of the server.
        history: What it was given.
        before: The environment right before the promotion that stands.
        after: Right after it.

    Raises:
        InvalidInput: There is no such server, or nothing before what it serves.
    """
    file = server_file(now, server)
    move = history.newest
    if move is None or move.after is None or move.before is None:
        served = move.after.name if move and move.after else "nothing"
        raise InvalidInput(f"{server} in {now.environment.name} serves {served}, and nothing before that")
    files: dict[str, str | None] = {
        path: before.get(path)
        for path in {*before, *after}
        if before.get(path) != after.get(path) == now.texts.get(path)
    }
    if file not in files:
        files[file] = with_pin(now.texts[file], file, move.before)
    left = {path: text for path, text in {**now.texts, **files}.items() if text is not None}
    if EnvironmentFiles(now.environment, left).find("ModelVersion", move.before.name) is None:
        raise InvalidInput(
            f"{now.environment.path} has no ModelVersion {move.before.name} any more: restore its file from "
            "the history, and take the server back by hand"
        )
    return Retreat(now.environment.name, server, move.commit, move.after, move.before, files)


def server_file(files: EnvironmentFiles, server: str) -> str:
    """The file of a server.

    Raises:
        InvalidInput: There is none of that name; says which there are.
    """
    found = files.find("ModelServer", server)
    if found is None:
        there = ", ".join(sorted(body["metadata"]["name"] for _, body in files.of_kind("ModelServer")))
        raise InvalidInput(f"{files.environment.name} has no server {server}; there are: {there or 'none'}")
    return found[0]
