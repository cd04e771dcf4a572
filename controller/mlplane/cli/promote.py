"""``mlplane promote``: a model version goes to the next environment, as a pull request."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig
from mlplane.cli.options import Directory, Image

if TYPE_CHECKING:
    from mlplane.cli.promoter import Promoter
    from mlplane.gitops.promoting import Proposal
    from mlplane.gitops.promotionsite import Site


def promote(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Environment that it goes to.")],
    from_: Annotated[
        str, typer.Option("--from", help="Environment that it comes from. Default: promotion.yaml's.")
    ] = "",
    version: Annotated[
        str, typer.Option("--version", help="Name of the ModelVersion. Default: the newest approved.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, and push nothing.")] = False,
    directory: Directory = Path(),
    store: Annotated[
        str, typer.Option("--store", help="URL of the target's store. Default: promotion.yaml's.")
    ] = "",
    image: Image = "",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Propose that an environment serves another version: one branch, one pull request, replaced in place.

    Works on the remote's main branch; your checkout stays as it is. The forge's token is read from
    MLPLANE_FORGE_TOKEN, or GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN.
    """
    from mlplane.cli.forgeaccess import client_of, open_pull
    from mlplane.cli.promoter import Promoter
    from mlplane.gitops import git
    from mlplane.gitops.promoting import NothingToDo, publish
    from mlplane.gitops.promotion import title_of

    work = Promoter(git.repository(directory), model, to, from_, version, store, image, kubeconfig)
    try:
        if dry_run:
            _show(work, work.look())
            return
        client = client_of(work.repo, work.look().promotion)
        done = publish(work.look, work.decide)
    except NothingToDo as error:
        typer.echo(str(error))
        return
    proposal = done.proposal
    typer.echo(f"pushed {done.site.heads.branch} ({done.commit[:12]}): {_summary(proposal)}")
    title = title_of(proposal.offer.candidate, proposal.change)
    open_pull(client, done.site.heads, title, work.text)


def _show(work: "Promoter", site: "Site") -> None:
    proposal = work.decide(site)
    typer.echo(f"{site.heads.branch}: {_summary(proposal)}")
    for file, content in sorted(proposal.change.files.items()):
        typer.echo(f"  {'deletes' if content is None else 'writes'} {file}")
    for gate in proposal.gates:
        typer.echo(f"  mlplane/{gate.name} {gate.state.lower()}: {gate.message}")
    typer.echo(f"\n{proposal.message}\n{work.text}", nl=False)
    if proposal.refusals:
        raise typer.Exit(1)


def _summary(proposal: "Proposal") -> str:
    change = proposal.change
    before = change.before.name if change.before else "nothing"
    return f"{change.environment}/{change.server} from {before} to {proposal.offer.candidate.version.name}"
