"""A cluster that may be thrown away: $KUBECONFIG, of somebody who may do everything. `make story` sets it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlplane.gitops.sync import RECORD
from mlplane.schema.foreign import foreign_crds
from plane import KUBECTL

ROOT = Path(__file__).parents[2]
UPSTREAM = {"argoproj.io": "argo", "serving.kserve.io": "kserve"}
KINDS = ("modelservers", "trainingruns", "evaluations", "modelversions", "datasets")


@pytest.fixture
def kubeconfig() -> Path:
    """The cluster's."""
    return Path(os.environ["KUBECONFIG"])


@pytest.fixture
def kubectl(kubeconfig: Path) -> Callable[..., str]:
    """Runs kubectl on the cluster; its output."""

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = [KUBECTL, "--kubeconfig", str(kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def foreign(kubectl: Callable[..., str]) -> None:
    """Argo's and KServe's kinds where they are missing.

    MLPLANE_UPSTREAM_CRDS names a folder with Argo's and KServe's own definitions; without it the open ones of
    the local plane are taken.
    """
    present = kubectl("get", "crd", "-o", "name")
    for crd in foreign_crds():
        if crd["metadata"]["name"] not in present:
            kubectl("apply", "--server-side", "-f", "-", stdin=_definition(crd))
    kinds = (crd["metadata"]["name"] for crd in foreign_crds())
    kubectl("wait", "--for=condition=Established", "--timeout=60s", *(f"crd/{name}" for name in kinds))


@pytest.fixture
def installed(kubectl: Callable[..., str], foreign: None) -> Iterator[None]:
    """Argo's and KServe's kinds, and mlplane as a person installs it, for a while."""
    kubectl("apply", "--server-side", "-k", str(ROOT / "crds"))
    kinds = (f"crd/{kind}.mlplane.dev" for kind in KINDS)
    kubectl("wait", "--for=condition=Established", "--timeout=60s", *kinds)
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(ROOT / "manifests" / "base"))
    # The controller of the story is a process here, under the account and the rights of the Deployment.
    kubectl("-n", "mlplane-system", "scale", "deployment", "mlplane-controller", "--replicas=0")
    yield
    # Nobody plays the node any more, so that the pods are removed without it.
    kubectl("delete", ",".join(KINDS), "--all", "--timeout=100s")
    here = ("--field-selector", "spec.nodeName=mlplane-local", "--grace-period=0", "--force")
    kubectl("-n", "default", "delete", "pods", *here)
    kubectl("delete", "-k", str(ROOT / "manifests" / "base"), "--timeout=100s")
    kubectl("delete", "-k", str(ROOT / "manifests" / "workspace"), "--timeout=60s")
    kubectl("delete", "node", "mlplane-local", "--ignore-not-found")
    # What the agent has applied: a repository that does not go on from there is held.
    kubectl("-n", "default", "delete", "configmap", RECORD, "--ignore-not-found")


def _definition(crd: dict[str, Any]) -> str:
    """The definition of a foreign kind as YAML: upstream's own, if there is a folder of them."""
    group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
    if folder := os.environ.get("MLPLANE_UPSTREAM_CRDS"):
        return (Path(folder) / UPSTREAM[group] / f"{group}_{plural}.yaml").read_text()
    return yaml.safe_dump(crd)
