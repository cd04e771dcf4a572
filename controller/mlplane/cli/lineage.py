"""``mlplane lineage``: what a model version came from, how it was judged, and where it was served."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected
from mlplane.cli.options import Directory

if TYPE_CHECKING:
    from mlplane.api.served import Provenance


def lineage(
    name: Annotated[str, typer.Argument(help="Name of the ModelVersion.")],
    *,
    directory: Directory = Path(),
    revision: Annotated[str, typer.Option(help="Branch, tag or commit of the history.")] = "main",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
    output: Annotated[Literal["text", "json"], typer.Option("--output", "-o", help="Form.")] = "text",
) -> None:
    """Tell what a model version came from: data, code, image, parameters; its evaluations; who served it.

    Read from the commits of the repository: the records of its environments, now or when it was served. A
    version that git does not know is looked for on the cluster.
    """
    from mlplane.cli.servedpage import show_provenance
    from mlplane.errors import InvalidInput, MlplaneError

    missing = f"no record of ModelVersion {name!r} in git at {revision}, and"
    found = _from_git(directory, revision, name)
    try:
        found = found or asyncio.run(_from_cluster(name, kubeconfig, namespace))
    except MlplaneError as error:
        raise InvalidInput(f"{missing} the cluster cannot be asked: {error}") from error
    if found is None:
        raise InvalidInput(f"{missing} none on the cluster")
    if output == "json":
        print(found.model_dump_json(by_alias=True, exclude_none=True, indent=2))
    else:
        show_provenance(found)


def _from_git(directory: Path, revision: str, name: str) -> "Provenance | None":
    from mlplane.gitops import git
    from mlplane.gitops.environments import FILE
    from mlplane.gitops.served import provenance

    repo = git.root(directory)
    if repo is None:
        return None
    commit = git.resolve(repo, revision)
    return provenance(repo, commit, name) if git.object_ids(repo, [f"{commit}:{FILE}"]) else None


async def _from_cluster(name: str, kubeconfig: Path | None, namespace: str) -> "Provenance | None":
    from mlplane import names
    from mlplane.api.judgement import PinnedRef
    from mlplane.api.refs import Query, Ref
    from mlplane.api.served import Provenance
    from mlplane.gitops.provenance import evidence_for, origin_of

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        body = await cluster.get(Ref(names.API_VERSION, "ModelVersion", chosen, name))
        if body is None:
            return None
        evaluations = await cluster.list(Query(names.API_VERSION, "Evaluation", chosen))
    origin = origin_of(body)
    pin = PinnedRef(name=origin.name, digest=origin.digest)
    return Provenance(origin=origin, evidence=evidence_for(pin, evaluations))
