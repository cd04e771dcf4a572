"""What servers were given, one version after the other, by the main branch of a repository.

Who and when come from its commits, the rest from the records as they were at each commit: also for a version
whose record is gone by now. Nothing is kept anywhere else. Called by ``cli.history`` and ``cli.lineage``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import Body
from mlplane.api.promotion import Environment
from mlplane.api.reading import named
from mlplane.api.served import Evidence, Origin, Provenance, Served
from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops import git, trailers
from mlplane.gitops.manifest import load
from mlplane.gitops.pinhistory import Move
from mlplane.gitops.promotionlog import pin_history
from mlplane.gitops.promotionsite import files_at, promotion_at
from mlplane.gitops.provenance import evidence_for, origin_of

MERGED = 50
"""Merged commits whose authors are named."""
LOST = 500
"""Newest commits in which a server that is gone is looked for."""

How = Literal["promoted", "rolled back", "changed", "removed"]


@dataclass(frozen=True)
class Place:
    """A server of an environment, and the file that it stands in, or stood."""

    environment: Environment
    server: str
    file: str


def places(repo: Path, commit: str, *, server: str = "", environment: str = "") -> list[Place]:
    """Where servers stand at a commit; one of a given name also where it stood before.

    Args:
        repo: The repository.
        commit: A commit of the main branch.
        server: Name of the server; empty for all.
        environment: Name of the environment; empty for all.

    Raises:
        InvalidInput: There is no ``promotion.yaml``, no such environment, or a manifest cannot be read.
    """
    known = promotion_at(repo, commit).environments
    chosen = [each for each in known if environment in ("", each.name)]
    if not chosen:
        names = ", ".join(each.name for each in known)
        raise InvalidInput(f"there is no environment {environment!r}; there are: {names}")
    return [place for each in chosen for place in _in(repo, commit, each, server)]


def served(repo: Path, commit: str, place: Place) -> list[Served]:
    """What a server was given, newest first.

    Args:
        repo: The repository.
        commit: Tip of the main branch.
        place: The server.

    Raises:
        Terminal: git fails.
    """
    moves = pin_history(repo, commit, place.file).moves
    ends = (move.when for move in moves[1:])
    return [_served(repo, place, move, end) for move, end in zip_longest(moves, ends)][::-1]


def provenance(repo: Path, commit: str, name: str) -> Provenance | None:
    """What git says of a model version; None if it has no record of it.

    Args:
        repo: The repository.
        commit: Tip of the main branch.
        name: Name of the ModelVersion.

    Raises:
        InvalidInput: There is no ``promotion.yaml``, or a manifest cannot be read.
        Terminal: git fails.
    """
    found = [entry for place in places(repo, commit) for entry in served(repo, commit, place)]
    entries = tuple(entry for entry in found if entry.version and entry.version.name == name)
    recorded = next((each for each in entries if each.origin), None)
    if recorded and recorded.origin:
        return Provenance(origin=recorded.origin, evidence=recorded.evidence, served=entries)
    for environment in promotion_at(repo, commit).environments:
        files = files_at(repo, commit, environment)
        if body := files.find("ModelVersion", name):
            origin = origin_of(body[1])
            pin = PinnedRef(name=origin.name, digest=origin.digest)
            evidence = evidence_for(pin, files.evaluations_of(name).values())
            return Provenance(origin=origin, evidence=evidence, served=entries)
    return None


def _in(repo: Path, commit: str, environment: Environment, server: str) -> Iterator[Place]:
    found = [
        Place(environment, body["metadata"]["name"], file)
        for file, body in files_at(repo, commit, environment).of_kind("ModelServer")
        if server in ("", body["metadata"]["name"])
    ]
    yield from found
    if server and not found and (file := _lost(repo, commit, environment.path, server)):
        yield Place(environment, server, file)


def _lost(repo: Path, commit: str, path: str, server: str) -> str:
    """The file in which a server stood that is gone; empty if there was none."""
    what = ("--first-parent", "-m", "--diff-filter=D", f"--max-count={LOST}", "--name-only", "-z")
    out = git.run(repo, "log", *what, "--format=%x01%H", commit, "--", path).stdout.decode(errors="replace")
    for record in filter(None, out.split("\x01")):
        parent, *files = record.replace("\n", "\0").split("\0")
        for file in filter(None, files):
            done = git.run(repo, "cat-file", "blob", f"{parent}^1:{file}", check=False)
            if server in _servers(done.stdout.decode(errors="replace"), file):
                return file
    return ""


def _servers(content: str, file: str) -> list[str]:
    try:
        found = [document.body for document in load(content, file)]
    except InvalidInput:
        return []
    return [named(body).strip('"') for body in found if body.get("kind") == "ModelServer"]


def _served(repo: Path, place: Place, move: Move, until: datetime | None) -> Served:
    people, message = _story(repo, move.commit)
    said = trailers.read(message)
    origin, evidence = _records(repo, move, place.environment)
    return Served(
        environment=place.environment.name,
        server=place.server,
        since=move.when,
        until=until,
        how=_how(move, message),
        commit=move.commit,
        by=people[0],
        proposed_by=tuple(dict.fromkeys(people[1:])),
        promoted_from=next(iter(said.get(trailers.FROM, ())), None),
        version=move.after,
        origin=origin,
        evidence=evidence,
    )


def _story(repo: Path, commit: str) -> tuple[Sequence[str], str]:
    """Who made a commit of the main branch and those that it merged, and what they said."""
    what = ("log", f"--max-count={MERGED}", "--format=%an <%ae>%x00%B%x01")
    done = git.run(repo, *what, commit, f"^{commit}^1", check=False)
    if done.returncode != 0:  # the first commit has none before it
        done = git.run(repo, *what, commit)
    records = [r.strip("\n") for r in done.stdout.decode(errors="replace").split("\x01")]
    parts = [record.partition("\0") for record in records if record]
    return [who for who, _, _ in parts], "\n".join(message for _, _, message in parts)


def _how(move: Move, message: str) -> How:
    if move.after is None:
        return "removed"
    said = trailers.read(message)
    if trailers.ROLLBACK in said or "This reverts commit" in message:
        return "rolled back"
    return "promoted" if move.after.digest in said.get(trailers.DIGEST, ()) else "changed"


def _records(repo: Path, move: Move, environment: Environment) -> tuple[Origin | None, tuple[Evidence, ...]]:
    """What the records of a version say; nothing where they are not there, or cannot be read."""
    pin = move.after
    if pin is None:
        return None, ()
    try:
        files = files_at(repo, move.commit, environment)
        found = files.find("ModelVersion", pin.name)
        origin = origin_of(found[1]) if found else None
        evaluations: list[Body] = list(files.evaluations_of(pin.name).values())
        return (origin if origin and origin.digest == pin.digest else None), evidence_for(pin, evaluations)
    except (Terminal, ValidationError):
        return None, ()
