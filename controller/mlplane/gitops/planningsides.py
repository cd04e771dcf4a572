"""The two sides of a plan, from git: the manifests of a path at a commit, and in the working tree.

Reads git alone, as the GitOps agent does. Called by ``cli.plan``.
"""

import os
from pathlib import Path

from mlplane.api.meta import Body
from mlplane.api.refs import Ref, ref_of
from mlplane.errors import InvalidInput
from mlplane.gitops import commits, git, sync, trailers
from mlplane.gitops.committed import source_label, valid_documents
from mlplane.gitops.lock import SUFFIXES
from mlplane.gitops.planning import Sides
from mlplane.gitops.worktree import fork_point, read_worktree


def located(path: Path) -> tuple[Path, str]:
    """The repository that a path lies in, and the path in it.

    Raises:
        InvalidInput: It lies in none.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link must stay one: the agent follows none
    there = next(folder for folder in (absolute, *absolute.parents) if folder.is_dir())
    repo = git.repository(there)
    tops = (folder for folder in (absolute, *absolute.parents) if folder.resolve() == repo.resolve())
    if top := next(tops, None):
        return repo, absolute.relative_to(top).as_posix()
    return repo, absolute.resolve().relative_to(repo.resolve()).as_posix()


def sides_of_git(repo: Path, path: str, namespace: str, revision: str = "") -> Sides:
    """What the path was at a revision, and what it is in the working tree.

    Args:
        repo: The repository.
        path: A directory of it.
        namespace: Where its objects go.
        revision: What to compare with; by default, where the branch has left the main branch.

    Raises:
        InvalidInput: A manifest of either side is wrong.
        Terminal: There is no such revision, or no such directory; or it holds what the agent does not take.
    """
    commit = git.resolve(repo, revision) if revision else fork_point(repo)
    before = _at_commit(repo, path, namespace, commit)
    return Sides(
        path=path,
        namespace=namespace,
        before=before,
        owned=len(before),
        may_prune=is_prune_confirmed(repo, commit),
        after=in_worktree(repo, path, namespace, is_known=bool(before)),
        before_name=f"{revision} ({commit[:12]})" if revision else f"commit {commit[:12]}",
        after_name="the working tree",
    )


def in_worktree(repo: Path, path: str, namespace: str, *, is_known: bool) -> dict[Ref, Body]:
    """The objects of a path as they are in the working tree, ready to be applied.

    Args:
        repo: The repository.
        path: A directory of it. One that has gone is one without manifests, where objects came from it.
        namespace: Where its objects go.
        is_known: Whether objects came from it.
    """
    if is_known and not os.path.lexists(repo / path):
        return {}
    return _objects(repo, path, namespace, read_worktree(repo, path, SUFFIXES))


def is_prune_confirmed(repo: Path, since: str) -> bool:
    """Whether a commit after that one says that most of what there is may be deleted."""
    found = commits.confirmations(repo, git.resolve(repo, "HEAD"), since)
    return sync.CONFIRMED in found.get(trailers.PRUNE, ())


def _at_commit(repo: Path, path: str, namespace: str, commit: str) -> dict[Ref, Body]:
    """The objects of a path at a commit; none if it has no such path, as before the first environment."""
    where = f"{commit}:{path if path != '.' else ''}"
    if not git.object_ids(repo, [where]):
        return {}
    try:
        return _objects(repo, path, namespace, git.read_files(repo, commit, path, SUFFIXES))
    except InvalidInput as error:
        raise InvalidInput(
            f"the manifests of commit {commit[:12]} are wrong, so the agent has not applied it; "
            f"compare with another one by --from, or with the cluster by --live:\n{error}"
        ) from error


def _objects(repo: Path, path: str, namespace: str, files: dict[str, bytes]) -> dict[Ref, Body]:
    source = source_label(repo, path)
    bodies = (sync.prepared(d.body, namespace=namespace, source=source) for d in valid_documents(files))
    return {ref_of(body): body for body in bodies}
