"""``mlplane rollback``: the newest promotion of a server is taken back, as a pull request."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig
from mlplane.cli.options import Directory

if TYPE_CHECKING:
    from mlplane.gitops.promotiongates import Gate
    from mlplane.gitops.rollingback import Ground


def rollback(
    server: Annotated[str, typer.Argument(help="Name of the ModelServer.")],
    *,
    env: Annotated[str, typer.Option("--env", help="Environment that it serves in.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only prove that model and image still exist; push nothing.")
    ] = False,
    directory: Directory = Path(),
    store: Annotated[
        str, typer.Option("--store", help="URL of the environment's store. Default: promotion.yaml's.")
    ] = "",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Propose that a server goes back to the version before, with no training and no new evaluation.

    It is the revert of the promotion; of what was changed since, only the pin goes back. `git revert` does as
    well. The version that is left is not promoted again by itself.
    """
    from mlplane.cli.forgeaccess import client_of, open_pull
    from mlplane.errors import Terminal
    from mlplane.gitops import git
    from mlplane.gitops.rollingback import publish, survey

    repo = git.repository(directory)
    ground = survey(repo, env, server)
    gates = _gates(ground, store, kubeconfig)
    back = ground.retreat
    typer.echo(f"{env}/{server}: from {back.bad.name} back to {back.good.name}")
    for gate in gates:
        typer.echo(f"  {gate.state.lower()}: {gate.message}")
    if broken := [gate.message for gate in gates if gate.state == "Failed"]:
        raise Terminal(f"{back.good.name} could not be served: {'; '.join(broken)}")
    if check:
        return
    client = client_of(repo, ground.promotion)
    done, commit = publish(ground)
    typer.echo(f"pushed {done.heads.branch} ({commit[:12]})")
    open_pull(client, done.heads, done.retreat.title, _text(done, gates))


def _gates(ground: "Ground", store: str, kubeconfig: Path | None) -> "list[Gate]":
    from mlplane.cli.storeaccess import opened
    from mlplane.errors import InvalidInput
    from mlplane.gitops.evidence import bytes_gate, missing
    from mlplane.gitops.images import image_gate

    lineage = ground.version.spec.lineage
    try:
        known = opened(store or ground.files.environment.store or "", kubeconfig)
    except InvalidInput:
        known = None
    image = [image_gate(lineage.image)] if lineage else []
    lacking = missing(ground.version, [], known) if known else []
    return [bytes_gate(ground.version, known, lacking), *image]


def _text(ground: "Ground", gates: "list[Gate]") -> str:
    from mlplane.cards.text import plain

    back = ground.retreat
    listed = "\n".join(f"- {gate.state}: {plain(gate.message)}" for gate in gates)
    return (
        f"`{back.server}` in {back.environment} goes back from `{back.bad.name}` to `{back.good.name}`: "
        f"this takes back {back.commit}.\n\nNothing is trained or judged again.\n\n{listed}\n\n"
        f"`{back.bad.name}` is not promoted again until it is judged anew, or a commit on "
        f"{ground.heads.trunk} has the trailer `Re-promote: {back.bad.digest}`.\n"
    )
