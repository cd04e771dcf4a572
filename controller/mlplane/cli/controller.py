"""``mlplane controller``: the process that brings objects to their specs, on a cluster and on a laptop."""

from pathlib import Path
from typing import Annotated

import typer

from mlplane import names


def controller(
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="The one to work in. Default: all.")
    ] = None,
    liveness: Annotated[
        str | None, typer.Option(help="Answer liveness probes here, such as http://0.0.0.0:8080/healthz.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(envvar=names.PROFILE_ENV, help="File that describes the pools of GPUs.")
    ] = None,
) -> None:
    """Run the controller; the environment configures it: KUBECONFIG, MLPLANE_STORE, MLPLANE_IMAGE.

    MLPLANE_ALLOWED_HOSTS names servers (host or host:port, with commas) that data may be read from although
    their addresses are private; HF_ENDPOINT another Hugging Face hub than the public one.
    """
    from mlplane.controller import run

    run(namespace, liveness=liveness, profile=profile)
