"""``mlplane check``: the gates of a change, for people, for programs, and as statuses of its commit."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlplane.cli.connection import Kubeconfig
from mlplane.cli.options import Directory, Image

if TYPE_CHECKING:
    from mlplane.api.promotion import Promotion
    from mlplane.gitops.promotiongates import Gate

_MARKS = {"Passed": "✓", "Failed": "✗", "Warning": "!"}


def check(
    *,
    base: Annotated[
        str,
        typer.Option("--base", help="Revision to compare with. Default: where HEAD has left main."),
    ] = "",
    output: Annotated[Literal["text", "json"], typer.Option("--output", "-o", help="Form.")] = "text",
    report: Annotated[
        bool, typer.Option("--report", help="Post each gate as a status of the commit to the forge.")
    ] = False,
    directory: Directory = Path(),
    store: Annotated[
        str, typer.Option("--store", help="URL of the store of all environments. Default: promotion.yaml's.")
    ] = "",
    image: Image = "",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Ask the gates of HEAD: schema, pinned, lineage, evaluation, baseline, plan, policy, soak, freeze.

    Needs no cluster. With a store at hand, evidence is compared with its reports, and the model's files are
    read. Exits with 1 if a gate is not met.
    """
    from mlplane.cli.commitgates import Stores, gates_of
    from mlplane.gitops import git
    from mlplane.gitops.environments import read
    from mlplane.gitops.promotionchecks import Span
    from mlplane.gitops.promotiongates import complete
    from mlplane.gitops.worktree import fork_point, main_branch

    repo = git.repository(directory)
    promotion = read(repo)
    if promotion is None:
        raise _without_environments(repo)
    _require_commit(repo, promotion)
    head = git.resolve(repo, "HEAD")
    trunk = git.resolve(repo, main_branch(repo) or base or "HEAD")
    span = Span(trunk, fork_point(repo, head, git.resolve(repo, base) if base else trunk), head)
    found = complete(gates_of(repo, promotion, span, Stores(store, kubeconfig), image))
    _print(found, head, output)
    if report:
        _report(repo, trunk, head, found)
    if any(gate.state == "Failed" for gate in found):
        raise typer.Exit(1)


def _print(found: "Sequence[Gate]", head: str, output: str) -> None:
    from mlplane.cards.text import one_line

    if output == "json":
        gates = [{"name": f"mlplane/{g.name}", "state": g.state, "message": g.message} for g in found]
        typer.echo(json.dumps({"version": 1, "commit": head, "gates": gates}, indent=2))
        return
    for gate in found:
        typer.echo(f"{_MARKS[gate.state]} mlplane/{gate.name}: {one_line(gate.message)}")


def _report(repo: Path, trunk: str, head: str, found: "Sequence[Gate]") -> None:
    """To the forge that the main branch names: the change itself must not say where the token goes."""
    from mlplane.cli.forgeaccess import client_of
    from mlplane.errors import InvalidInput
    from mlplane.gitops.promotionsite import promotion_at
    from mlplane.gitops.pullrequests import Status

    try:
        promotion = promotion_at(repo, trunk)
    except InvalidInput:
        promotion = None  # the first one: the remote tells which forge it is
    client = client_of(repo, promotion)
    if client is None:
        raise InvalidInput("no forge is known to report to: say forge in promotion.yaml")
    client.report(head, [Status(f"mlplane/{gate.name}", gate.state, gate.message) for gate in found])


def _require_commit(repo: Path, promotion: "Promotion") -> None:
    """Gates are about commits: what is not committed would be judged in half of them."""
    from mlplane.errors import InvalidInput
    from mlplane.gitops import git
    from mlplane.gitops.environments import FILE

    for path in (FILE, *(environment.path for environment in promotion.environments)):
        if git.is_dirty(repo, path):
            raise InvalidInput(f"{path} has changes that are not committed: commit them first")


def _without_environments(repo: Path) -> Exception:
    from mlplane.errors import InvalidInput

    return InvalidInput(f"{repo} has no promotion.yaml: `mlplane init` shows what it looks like")
