"""What ``mlplane promote`` works with: the remote, the cluster before, the target's store."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mlplane.whereabouts import found

if TYPE_CHECKING:
    from mlplane.api.promotion import Environment
    from mlplane.body import Body
    from mlplane.gitops.candidates import Offer
    from mlplane.gitops.promoting import Proposal
    from mlplane.gitops.promotionsite import Site
    from mlplane.store.artifacts import Store


@dataclass
class Promoter:
    """One call of the command; its fields are what the options say."""

    repo: Path
    model: str
    to: str
    source: str
    version: str
    store: str
    image: str
    kubeconfig: Path | None
    text: str = ""
    """Of the pull request, for what was decided last."""

    def look(self) -> "Site":
        """Ask the remote."""
        from mlplane.gitops.promotionsite import look

        return look(self.repo, self.to, self.source, self.model)

    def decide(self, site: "Site") -> "Proposal":
        """Ask cluster and store, and work out the change and its text: without one, nothing is pushed."""
        from mlplane.cli.promotiontext import text_of
        from mlplane.gitops.promoting import propose

        store = _store(self.store, site.target.environment, self.kubeconfig)
        proposal = propose(site, _offer(site, self.version, self.kubeconfig), store, datetime.now(UTC))
        self.text = text_of(site, proposal, store, self.image)
        return proposal


def _offer(site: "Site", version: str, kubeconfig: Path | None) -> "Offer":
    """From the cluster of the environment before; from git, where that cannot be asked and git has it all."""
    from mlplane.errors import InvalidInput, Transient
    from mlplane.gitops.candidates import from_cluster, from_git

    source = site.source.environment
    since = site.source_history.pinned_since
    try:
        bodies = asyncio.run(_bodies(source, kubeconfig))
    except (Transient, InvalidInput) as error:
        if not site.source.versions(site.model):
            raise
        typer.echo(f"{source.name} cannot be asked ({error}): taking what git says that it serves", err=True)
        return from_git(site.source, site.model, version, since)
    return from_cluster(bodies, site.model, version, source.name, since)


async def _bodies(environment: "Environment", kubeconfig: Path | None) -> "list[Body]":
    from mlplane import names
    from mlplane.api.refs import Query
    from mlplane.cluster.kube import connect

    kinds = ("ModelVersion", "Evaluation", "ModelServer")
    async with connect(found(kubeconfig), environment.context) as cluster:
        queries = [Query(names.API_VERSION, kind, environment.namespace) for kind in kinds]
        return [body for query in queries for body in await cluster.list(query)]


def _store(url: str, environment: "Environment", kubeconfig: Path | None) -> "Store":
    from mlplane.cli.storeaccess import opened

    return opened(url or environment.store or "", kubeconfig)
