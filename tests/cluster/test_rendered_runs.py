"""What runs become on all kinds of machines: taken by an API server that is not ours, strictly.

Its pods are asked for in a namespace with Pod Security `restricted`; a server that does not enforce that
(before 1.25) is told by a pod that it should refuse, and the test says that it was not shown.
"""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plane import KUBECTL
from renderedruns import pods_of, workflows

pytestmark = pytest.mark.timeout(300)
Body = dict[str, Any]
Run = Callable[..., str]

NAMESPACE = "mlplane-restricted"
RENDERED = workflows()


@pytest.fixture
def namespace(kubectl: Run, foreign: None) -> Iterator[str]:
    """Where only pods that keep to the level restricted may be; Argo's kinds are there."""
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    # A namespace's default account is made a moment later, and no pod is taken before.
    kubectl("-n", NAMESPACE, "create", "serviceaccount", "mlplane-runner")
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--timeout=100s")


@pytest.fixture
def refusal(kubeconfig: Path, namespace: str) -> Callable[[Body], str]:
    """What the server says against an object that is only tried; empty if it takes it."""

    def ask(body: Body) -> str:
        document = json.dumps(body | {"metadata": body["metadata"] | {"namespace": namespace}})
        command = [KUBECTL, "--kubeconfig", str(kubeconfig), "apply", "--server-side", "--dry-run=server"]
        command += ["--validate=strict", "-f", "-"]
        done = subprocess.run(
            command, input=document, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stderr if done.returncode else ""

    return ask


def test_rendered_workflows_are_taken_as_they_are(refusal):
    for name, workflow in RENDERED.items():
        # Its owner is nobody here, which an API server does not ask about.
        assert refusal(workflow) == "", name
    broken = copy.deepcopy(workflow)
    broken["spec"]["templates"][1]["tolerationsX"] = []
    assert "tolerationsX" in refusal(broken), "the server is strict"


def test_the_pods_of_rendered_workflows_are_restricted(refusal):
    pods = [pod for workflow in RENDERED.values() for pod in pods_of(workflow)]
    for pod in pods:
        assert refusal(pod) == "", pod["metadata"]["name"]
    privileged = copy.deepcopy(pods[0])
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    if not refusal(privileged):
        pytest.skip("the pods are taken; but this server does not enforce Pod Security")
