"""The pods of rendered runs keep to Pod Security `restricted`, as Kubernetes' standard of that name has it.

Whether an API server that enforces it agrees is a question for ``tests/cluster``.
"""

import pytest

from renderedruns import pods_of, workflows

PODS = {f"{case}, {p['metadata']['name']}": p for case, w in workflows().items() for p in pods_of(w)}
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip


def breaches(pod: dict) -> list[str]:
    """What of a pod the level does not allow."""
    spec = pod["spec"]
    whole = spec.get("securityContext") or {}
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    found += [v["name"] for v in spec["volumes"] if not (v.keys() - {"name"}) <= VOLUMES]
    for container in spec["containers"]:
        own = container.get("securityContext") or {}
        both = whole | own
        capabilities = own.get("capabilities") or {}
        wrong = {
            "privileged": own.get("privileged", False),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
            "runAsNonRoot": both.get("runAsNonRoot") is not True,
            "runAsUser": both.get("runAsUser") == 0,
            "drop": "ALL" not in capabilities.get("drop", ()),
            "add": set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"},
            "seccomp": (both.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"),
            "procMount": own.get("procMount", "Default") != "Default",
            "hostPort": any(port.get("hostPort") for port in container.get("ports", ())),
        }
        found += [name for name, is_wrong in wrong.items() if is_wrong]
    return found


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS.keys())
def test_a_pod_of_a_run_is_restricted(pod):
    assert breaches(pod) == []
    assert pod["spec"]["automountServiceAccountToken"] is False


def test_what_is_not_restricted_is_found():
    pod = next(iter(PODS.values()))
    bare = pod["spec"] | {"securityContext": {}, "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}
    assert breaches({"spec": bare}) == ["v", "runAsNonRoot", "seccomp"]
