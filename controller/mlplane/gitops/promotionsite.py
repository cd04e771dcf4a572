"""The state that a promotion starts from: what the remote's main branch says of two environments.

Called by ``gitops.promoting``, ``gitops.rollingback`` and ``cli.promote``.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlplane.api.promotion import Environment, Promotion
from mlplane.errors import InvalidInput
from mlplane.gitops import git, remote
from mlplane.gitops.environmentfiles import EnvironmentFiles
from mlplane.gitops.environments import FILE, environment_named, parse
from mlplane.gitops.lock import SUFFIXES
from mlplane.gitops.pinhistory import PinHistory
from mlplane.gitops.promotion import branch_of, server_path
from mlplane.gitops.promotionlog import pin_history


@dataclass(frozen=True)
class Site:
    """The repository as its main branch has it, and the two environments."""

    repo: Path
    heads: remote.Heads
    promotion: Promotion
    target: EnvironmentFiles
    source: EnvironmentFiles
    model: str

    @cached_property
    def history(self) -> PinHistory:
        """What the target's server was given."""
        return self._history(self.target)

    @cached_property
    def source_history(self) -> PinHistory:
        """What the source's server was given."""
        return self._history(self.source)

    def _history(self, files: EnvironmentFiles) -> PinHistory:
        """By the server's file; one that a revert took away is known by the name that it would have."""
        found = files.server_of(self.model)
        like = self.source.server_of(self.model)
        name = like[1]["metadata"]["name"] if like else self.model
        file = found[0] if found else server_path(files.environment.path, name)
        return pin_history(self.repo, self.heads.base, file)


def look(repo: Path, target: str, source: str, model: str) -> Site:
    """Ask the remote for the state that a promotion starts from.

    Args:
        repo: The repository.
        target: Name of the environment that is promoted to.
        source: Of the one before it; empty for what ``promotion.yaml`` says.
        model: Name of the model.

    Raises:
        InvalidInput: The repository has no such environments, or they contradict.
        Terminal: The remote fails.
    """
    heads = remote.heads(repo, branch_of(target, model))
    remote.fetch(repo, heads)
    promotion = promotion_at(repo, heads.base)
    environment = environment_named(promotion, target)
    before = source or environment.from_
    if before is None:
        raise InvalidInput(f"{target} is promoted from no other environment: {FILE} has no `from` for it")
    files = files_at(repo, heads.base, environment)
    source_files = files_at(repo, heads.base, environment_named(promotion, before))
    return Site(repo, heads, promotion, files, source_files, model)


def promotion_at(repo: Path, commit: str) -> Promotion:
    """What ``promotion.yaml`` says at a commit.

    Raises:
        InvalidInput: There is none, or it is wrong.
    """
    done = git.run(repo, "cat-file", "blob", f"{commit}:{FILE}", check=False)
    if done.returncode != 0:
        raise InvalidInput(f"the main branch has no {FILE}: `mlplane init` shows what it looks like")
    return parse(done.stdout.decode("utf-8-sig", errors="replace"), FILE)


def files_at(repo: Path, commit: str, environment: Environment) -> EnvironmentFiles:
    """The manifests of an environment at a commit; none where its directory is not there yet.

    Raises:
        InvalidInput: One is not UTF-8.
        Terminal: It holds what the agent does not take, such as a symbolic link.
    """
    if not git.object_ids(repo, [f"{commit}:{environment.path}"]):
        return EnvironmentFiles(environment, {})
    found = git.read_files(repo, commit, environment.path, SUFFIXES)
    return EnvironmentFiles(environment, {name: _decoded(content, name) for name, content in found.items()})


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name}: not UTF-8 (byte {error.start}): save it as UTF-8") from error
