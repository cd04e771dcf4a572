"""What a container is started with."""

import base64
import sys

import pytest

from mlplane.api.refs import Ref
from mlplane.local.node.environment import command_of, environment_of, source_refs
from mlplane.local.node.refusals import CannotStart

SECRET, CONFIG = Ref("v1", "Secret", "ns", "s"), Ref("v1", "ConfigMap", "ns", "c")


def secret_key(key="k", **more):
    return {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": key, **more}}}


def test_nothing_of_the_planes_environment_is_passed_on(make_pod, folder, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/secret")
    monkeypatch.setenv("MLPLANE_TOKEN", "t")
    pod = make_pod()
    made = environment_of(pod, pod["spec"]["containers"][0], {}, {}, folder)
    assert set(made) == {"PATH", "HOME", "LANG", "TMPDIR", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"}
    assert made["CUDA_VISIBLE_DEVICES"] == "", "who asks for no GPU sees none"
    assert made["HOME"].startswith(str(folder.root))


def test_a_container_that_asks_for_gpus_sees_those_of_its_pod(make_pod, folder):
    pod = make_pod({"resources": {"limits": {"nvidia.com/gpu": "2"}}}, {})
    asking, other = pod["spec"]["containers"]
    given = environment_of(pod, asking, {}, {}, folder, ["1", "3"])
    assert given["CUDA_VISIBLE_DEVICES"] == "1,3"
    assert given["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID", "as nvidia-smi numbers them"
    assert environment_of(pod, other, {}, {}, folder, ["1", "3"])["CUDA_VISIBLE_DEVICES"] == ""


def test_all_keys_of_a_secret_come_with_their_prefix(make_pod, folder):
    every = [{"prefix": "P_", "secretRef": {"name": "s"}}, {"configMapRef": {"name": "c", "optional": True}}]
    pod = make_pod({"envFrom": every, "env": [{"name": "P_B", "value": "declared"}]})
    assert source_refs(pod) == {SECRET, CONFIG}
    encoded = {key: base64.b64encode(b"x").decode() for key in ("A", "B", "not a name")}
    made = environment_of(pod, pod["spec"]["containers"][0], {SECRET: {"data": encoded}}, {}, folder)
    assert {key: value for key, value in made.items() if key.startswith("P_")} == {
        "P_A": "x",
        "P_B": "declared",
    }
    with pytest.raises(CannotStart, match='secret "s" not found'):
        environment_of(pod, pod["spec"]["containers"][0], {}, {}, folder)


def test_values_come_from_the_pod_secrets_and_config_maps(make_pod, folder):
    env = [
        secret_key(),
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "D", "value": "$(C)/x $(NONE) $$(C)"},
        {"name": "E", "value": "/mnt/mlplane/x"},
        {"name": "HOME", "value": "/mnt/mlplane/home"},
    ]
    pod = make_pod({"env": env})
    assert source_refs(pod) == {SECRET, CONFIG}
    sources = {
        SECRET: {"data": {"k": base64.b64encode(b"secret /mnt/mlplane").decode()}},
        CONFIG: {"data": {"k": "config"}},
    }
    made = environment_of(pod, pod["spec"]["containers"][0], sources, {}, folder)
    assert made["A"] == "secret /mnt/mlplane"
    assert made["B"] == "config"
    assert made["C"] == "ns"
    assert made["D"] == "ns/x $(NONE) $(C)"
    assert made["E"] == f"{folder.root}/mnt/mlplane/x"
    assert made["HOME"] == f"{folder.root}/mnt/mlplane/home"


@pytest.mark.parametrize(
    ("variable", "secret", "want"),
    [
        (secret_key(), None, 'secret "s" not found'),
        (secret_key("other"), {"data": {}}, "couldn't find key other in secret s"),
        (
            {"name": "A", "valueFrom": {"resourceFieldRef": {}}},
            None,
            "env A: valueFrom resourceFieldRef is not supported",
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}},
            None,
            "fieldRef 'spec.x' is not supported; allowed are metadata.name",
        ),
    ],
)
def test_what_is_missing_is_named(make_pod, folder, variable, secret, want):
    pod = make_pod({"env": [variable]})
    with pytest.raises(CannotStart) as caught:
        environment_of(pod, pod["spec"]["containers"][0], {SECRET: secret}, {}, folder)
    assert str(caught.value).startswith(want)


def test_a_missing_value_that_is_optional_is_left_out(make_pod, folder):
    pod = make_pod({"env": [secret_key(optional=True)]})
    assert "A" not in environment_of(pod, pod["spec"]["containers"][0], {SECRET: None}, {}, folder)


def test_a_server_is_told_its_real_port(make_pod, folder):
    pod = make_pod({"ports": [{"containerPort": 8080}, {"containerPort": 9090}]})
    made = environment_of(pod, pod["spec"]["containers"][0], {}, {"8080": 41000, "9090": 41001}, folder)
    assert (made["HOST"], made["PORT"]) == ("127.0.0.1", "41000")


def test_python_is_this_interpreter_and_paths_are_mapped(folder):
    container = {"command": ["python", "-m", "x"], "args": ["--d=/mnt/models", "$(A)"]}
    assert command_of(container, {"A": "1"}, folder) == [
        sys.executable,
        "-m",
        "x",
        f"--d={folder.root}/mnt/models",
        "1",
    ]
