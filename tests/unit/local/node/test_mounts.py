"""ConfigMap volumes and ports."""

import socket

import pytest

from mlplane.api.refs import Ref
from mlplane.local.node import ports
from mlplane.local.node.mounts import files_of, write_mounts
from mlplane.local.node.refusals import CannotStart


def test_a_config_map_becomes_files_under_the_mapped_path(make_pod, folder):
    mounts = [{"name": "g", "mountPath": "/mnt/mlplane/git"}]
    pod = make_pod({"volumeMounts": mounts}, volumes=[{"name": "g", "configMap": {"name": "m"}}])
    sources = {Ref("v1", "ConfigMap", "ns", "m"): {"data": {"gitconfig": "[url]"}}}
    write_mounts(pod, pod["spec"]["containers"][0], sources, folder)
    assert (folder.root / "mnt/mlplane/git/gitconfig").read_text() == "[url]"


def test_a_missing_config_map_is_waited_for_unless_it_is_optional():
    assert files_of({"name": "m", "optional": True}, None) == {}
    with pytest.raises(CannotStart, match='configmap "m" not found'):
        files_of({"name": "m"}, None)


def test_a_claim_is_a_folder_of_the_plane_that_outlives_the_pod(make_pod, folder):
    mounts = [{"name": "d", "mountPath": "/mnt/mlplane/volume", "readOnly": True}]
    pod = make_pod(
        {"volumeMounts": mounts}, volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    )
    container = pod["spec"]["containers"][0]
    volume = folder.root.parent.parent / "volumes/ns/data"
    with pytest.raises(CannotStart, match=f'"data" not found; here it is the folder {volume}'):
        write_mounts(pod, container, {}, folder)
    volume.mkdir(parents=True)
    (volume / "a.csv").write_text("1")
    for _ in range(2):  # the second attempt of a container
        write_mounts(pod, container, {}, folder)
    assert (folder.root / "mnt/mlplane/volume/a.csv").read_text() == "1"
    folder.remove()
    assert (volume / "a.csv").read_text() == "1"


def test_items_choose_and_rename_keys_but_cannot_leave_the_volume():
    config = {"data": {"a": "1", "b": "2"}}
    assert files_of({"name": "m", "items": [{"key": "a", "path": "x/y"}]}, config) == {"x/y": "1"}
    with pytest.raises(CannotStart, match="leaves the volume"):
        files_of({"name": "m", "items": [{"key": "a", "path": "../y"}]}, config)
    with pytest.raises(CannotStart, match="no key c"):
        files_of({"name": "m", "items": [{"key": "c", "path": "y"}]}, config)


def test_a_container_keeps_its_ports_while_they_are_free(make_pod, folder):
    pod = make_pod({"ports": [{"containerPort": 8080, "name": "http"}]})
    container = pod["spec"]["containers"][0]
    first = ports.choose(folder, container)
    assert ports.choose(folder, container) == first == ports.read(folder)
    port = ports.first_of(pod, first)
    assert ports.real_port(container, first, "http") == ports.real_port(container, first, 8080) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert ports.first_of(pod, ports.choose(folder, container)) != port
