"""What is installed on a cluster: rendered as a person renders it, judged by Kubernetes' own schemas."""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from mlplane import names
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.local.manifests import system_manifests, workspace_manifests
from mlplane.settings import DEFAULT_IMAGE

ROOT = Path(__file__).parents[2]
KUBECTL = Path(sys.executable).with_name("kubectl")
KIND = "manifests/overlays/kind"
FOLDERS = ("crds", "manifests/base", "manifests/workspace", KIND, f"{KIND}/workspace")
VERSION = "1.37"


@functools.cache
def rendered(folder: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [KUBECTL, "kustomize", ROOT / folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(folder: str, *kinds: str) -> list[dict[str, Any]]:
    return [body for body in rendered(folder) if body["kind"] in kinds]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_manifest_is_valid_for_kubernetes(folder):
    judged = 0
    for body in rendered(folder):
        group = body["apiVersion"].rpartition("/")[0]
        if "." not in group or group.endswith(".k8s.io"):
            kubernetes_validate.validate(body, VERSION, strict=True)
            judged += 1
    assert judged


def test_the_judge_finds_a_misspelt_field():
    [deployment] = of_kind("manifests/base", "Deployment")
    wrong = deployment | {"spec": deployment["spec"] | {"replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_the_controller_may_use_no_wildcard_and_read_no_secret():
    rules = [rule for role in of_kind("manifests/base", "Role", "ClusterRole") for rule in role["rules"]]
    words = {word for rule in rules for words in rule.values() for word in words}
    assert "*" not in words
    assert words.isdisjoint({"secrets", "escalate", "bind", "impersonate", "delete"})
    assert [rule["verbs"] for rule in rules if "pods" in rule.get("resources", ())] == [["list"]]


def test_the_deployment_keeps_the_restricted_pod_security_standard():
    [deployment] = of_kind("manifests/base", "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["image"] == DEFAULT_IMAGE
    assert deployment["metadata"]["namespace"] == names.SYSTEM_NAMESPACE
    [namespace] = of_kind("manifests/base", "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_cluster_and_a_laptop_have_the_same_serving_runtime():
    [found] = of_kind("manifests/base", "ClusterServingRuntime")
    assert found == serving_runtime(DEFAULT_IMAGE)


def test_a_laptop_has_the_accounts_and_rights_of_a_cluster():
    kinds = ("Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    assert _named(system_manifests()) == _named(of_kind("manifests/base", *kinds))
    laptop = workspace_manifests("team")
    assert [body["metadata"].pop("namespace") for body in laptop] == ["team"] * len(laptop)
    accounts = {body["metadata"]["name"] for body in laptop if body["kind"] == "ServiceAccount"}
    assert accounts == {
        names.RUNNER_SERVICE_ACCOUNT,
        names.EXECUTOR_SERVICE_ACCOUNT,
        names.SERVER_SERVICE_ACCOUNT,
    }
    [role] = [body for body in laptop if body["kind"] == "Role"]
    assert role["rules"] == [
        {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    ]


def test_the_cluster_of_make_kind_runs_the_image_that_it_builds_and_has_accounts_with_keys():
    images = {
        container["image"]
        for body in rendered(KIND)
        for container in (
            body.get("spec", {}).get("containers")
            or body.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
        )
    }
    assert {image for image in images if "mlplane" in image} == {"ghcr.io/mlplane/runtime:kind"}
    accounts = {body["metadata"]["name"]: body for body in of_kind(f"{KIND}/workspace", "ServiceAccount")}
    assert accounts[names.SERVER_SERVICE_ACCOUNT]["secrets"] == [{"name": "store"}]


def _named(bodies: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    return {(body["kind"], body["metadata"]["name"]): body for body in bodies}
