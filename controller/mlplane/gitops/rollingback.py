"""Taking a promotion back, on the remote: one branch a server, replaced in place.

Called by ``cli.rollback``.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlplane.api import ModelVersion
from mlplane.api.promotion import Promotion
from mlplane.errors import Terminal
from mlplane.gitops import remote
from mlplane.gitops.environmentfiles import EnvironmentFiles
from mlplane.gitops.environments import environment_named
from mlplane.gitops.promotionlog import pin_history
from mlplane.gitops.promotionsite import files_at, promotion_at
from mlplane.gitops.rollback import Retreat, retreat, server_file

TRIES = 5


@dataclass(frozen=True)
class Ground:
    """The main branch, and what goes back there."""

    repo: Path
    heads: remote.Heads
    promotion: Promotion
    files: EnvironmentFiles
    retreat: Retreat

    @cached_property
    def version(self) -> ModelVersion:
        """The version that is served again."""
        found = self.files.find("ModelVersion", self.retreat.good.name)
        if found is None:
            commit = remote.parent_of(self.repo, self.retreat.commit)
            found = files_at(self.repo, commit, self.files.environment).find(
                "ModelVersion", self.retreat.good.name
            )
        if found is None:
            raise Terminal(
                f"no ModelVersion {self.retreat.good.name} was ever in {self.files.environment.path}"
            )
        return ModelVersion.model_validate(found[1])


def survey(repo: Path, environment: str, server: str) -> Ground:
    """Ask the remote, and work out what takes the newest promotion of a server back.

    Raises:
        InvalidInput: There is no such environment or server, or nothing before what it serves.
        Terminal: The remote fails.
    """
    heads = remote.heads(repo, f"mlplane/rollback/{environment}/{server}")
    remote.fetch(repo, heads)
    promotion = promotion_at(repo, heads.base)
    where = environment_named(promotion, environment)
    now = files_at(repo, heads.base, where)
    history = pin_history(repo, heads.base, server_file(now, server))
    commit = history.newest.commit if history.newest else heads.base
    parent = remote.parent_of(repo, commit) or commit
    before, after = (files_at(repo, each, where).texts for each in (parent, commit))
    return Ground(repo, heads, promotion, now, retreat(now, server, history, before, after))


def publish(seen: Ground) -> tuple[Ground, str]:
    """Push the branch; returns what it starts from, and its commit.

    Args:
        seen: What was found, and may be done: what goes back to what. All else may have changed since.

    Raises:
        InvalidInput, Terminal: As ``survey``; the server was given another version meanwhile; or others push
            all the time.
    """
    repo, wanted = seen.repo, seen.retreat
    for _ in range(TRIES):
        ground = survey(repo, wanted.environment, wanted.server)
        found = ground.retreat
        if (found.bad, found.good) != (wanted.bad, wanted.good):
            now = f"{wanted.server} in {wanted.environment} serves {found.bad.name} meanwhile"
            raise Terminal(
                f"{now}, no more {wanted.bad.name}: nothing was pushed; run it again if it is to go"
            )
        files = {path: None if text is None else text.encode() for path, text in found.files.items()}
        made = remote.commit(repo, ground.heads.base, files, found.message)
        tip = ground.heads.tip
        if tip and remote.is_same_change(repo, tip, made):
            return ground, tip
        try:
            remote.push(repo, made, ground.heads)
        except remote.Moved:
            continue
        return ground, made
    raise Terminal(f"the repository changed {TRIES} times while this was worked out: run it again")
