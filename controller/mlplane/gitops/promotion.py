"""What a promotion changes: the files it adds, the one pin it moves, the old records it takes away. Pure.

Called by ``gitops.promoting``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlplane.api import Evaluation, ModelVersion
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import Body
from mlplane.api.reading import at
from mlplane.errors import InvalidInput
from mlplane.gitops import trailers
from mlplane.gitops.environmentfiles import EnvironmentFiles, pins_of
from mlplane.gitops.records import canonical, manifest_text, recorded
from mlplane.gitops.serverpins import pin_of, with_pin

KEPT = 10
"""Versions of a model that an environment keeps beside those that are served."""


@dataclass(frozen=True)
class Candidate:
    """A model version that is to be promoted, as its environment has it."""

    version: ModelVersion
    body: Body
    """The ModelVersion, canonical."""
    evaluations: Sequence[Evaluation]
    """Those that its approval rests on, newest first, each with its outcome."""
    source: str
    """Name of the environment that it comes from."""

    @property
    def pin(self) -> PinnedRef:
        """What a server pins to serve it."""
        return PinnedRef(name=self.version.name, digest=self.version.spec.artifact.digest)


@dataclass(frozen=True)
class Change:
    """What a promotion changes in the repository."""

    environment: str
    server: str
    """Name of the server."""
    server_file: str
    files: Mapping[str, str | None]
    """New text by path; None deletes."""
    before: PinnedRef | None
    """What is pinned until then."""


def branch_of(environment: str, model: str) -> str:
    """The one branch of an environment and a model."""
    return f"mlplane/promote/{environment}/{model}"


def server_path(path: str, name: str) -> str:
    """Where a promotion puts a server that an environment does not have yet."""
    return f"{path}/servers/{name}.yaml"


def change_for(
    candidate: Candidate, target: EnvironmentFiles, pinned: Sequence[str], like: Body | None
) -> Change:
    """What has to change so that an environment serves a candidate.

    Args:
        candidate: The version.
        target: The environment as it is.
        pinned: Digests that its server had, the newest last; what was served lately is kept longest.
        like: The server of the environment before it, for one that has none yet.

    Raises:
        InvalidInput: The environment holds what does not fit; says what to do.
    """
    found = target.server_of(candidate.version.spec.model)
    file, server = found or _new_server(candidate, target, like)
    before = pin_of(server) if found else None
    if found and before is None:
        raise InvalidInput(
            f"{file}: the server follows a policy: replace spec.follow by spec.modelVersion, a name and a "
            "digest, to have it changed by promotions"
        )
    content = with_pin(target.texts[file], file, candidate.pin) if found else manifest_text(server)
    files: dict[str, str | None] = {file: content}
    files |= _records(candidate, target)
    files |= dict.fromkeys(_dropped(candidate, target, pinned))
    return Change(target.environment.name, server["metadata"]["name"], file, files, before)


def message_for(candidate: Candidate, change: Change) -> str:
    """The message of the commit: a title, what it is for people, and all of it for programs."""
    version, lineage = candidate.version, candidate.version.spec.lineage
    pairs = [
        (trailers.ENVIRONMENT, change.environment),
        (trailers.SERVER, change.server),
        (trailers.MODEL, version.spec.model),
        (trailers.VERSION, version.name),
        (trailers.DIGEST, candidate.pin.digest),
        (trailers.SUPERSEDES, change.before.digest if change.before else "none"),
        (trailers.FROM, candidate.source),
        (trailers.DATA, f"{lineage.dataset.name} {lineage.dataset.digest}" if lineage else ""),
        (trailers.CODE, lineage.code.commit if lineage and lineage.code else ""),
    ]
    for each in candidate.evaluations:
        said = f"{each.name} {each.status.verdict} {each.status.report}"
        pairs.append((trailers.EVALUATION, said))
    before = change.before.name if change.before else "nothing"
    said = f"{change.server} serves {before} until then."
    return f"{title_of(candidate, change)}\n\n{said}\n\n{trailers.block(pairs)}"


def title_of(candidate: Candidate, change: Change) -> str:
    """Title of the commit and of the pull request."""
    return f"Promote {candidate.version.name} to {change.environment}"


def _new_server(candidate: Candidate, target: EnvironmentFiles, like: Body | None) -> tuple[str, Body]:
    name = at(like, "metadata", "name") or candidate.version.spec.model
    if taken := target.find("ModelServer", name):
        raise InvalidInput(f"{taken[0]}: the server {name} serves another model: give it another name")
    rest = {k: v for k, v in (at(like, "spec") or {}).items() if k not in ("modelVersion", "follow")}
    body = {
        "kind": "ModelServer",
        "metadata": {"name": name},
        "spec": {"modelVersion": candidate.pin.to_body(), **rest},
    }
    return _free(server_path(target.environment.path, name), target), canonical(body)


def _records(candidate: Candidate, target: EnvironmentFiles) -> dict[str, str | None]:
    """The files of records that are not there yet."""
    wanted = [("models", candidate.body)]
    wanted += [("evaluations", body) for each in candidate.evaluations if (body := recorded(each))]
    files: dict[str, str | None] = {}
    for folder, body in wanted:
        kind, name = body["kind"], body["metadata"]["name"]
        there = target.find(kind, name)
        if there is None:
            path = _free(f"{target.environment.path}/{folder}/{name}.yaml", target)
            files[path] = manifest_text(body)
        elif canonical(there[1]) != canonical(body):
            raise InvalidInput(
                f"{there[0]}: {kind} {name} is there and differs from that of {candidate.source}: records "
                "never change; find out which of them was edited, and revert it"
            )
    return files


def _free(path: str, target: EnvironmentFiles) -> str:
    if path in target.texts:
        raise InvalidInput(f"{path} is there already and holds something else: move it")
    return path


def _dropped(candidate: Candidate, target: EnvironmentFiles, pinned: Sequence[str]) -> list[str]:
    """Files of the versions that are too many, and of what speaks of them."""
    there = target.versions(candidate.version.spec.model)
    digests = {name: at(target.bodies[file], "spec", "artifact", "digest") for name, file in there.items()}
    served = {name for name, _ in pins_of(target).values()} | {candidate.version.name}
    lately = {digest: place for place, digest in enumerate(pinned)}
    others = sorted(set(there) - served, key=lambda name: (lately.get(digests[name], -1), name))
    room = KEPT - len(served & {*there, candidate.version.name})
    gone = others[: max(0, len(others) - max(0, room))]
    return [file for name in gone for file in (there[name], *target.evaluations_of(name))]
