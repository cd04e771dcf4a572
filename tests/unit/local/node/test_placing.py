"""Which pods get the GPUs of the node."""

import pytest

from mlplane.local.node import gpus
from mlplane.local.node.placing import Places, extended_resources, give_back, held_by
from mlplane.local.podfolder import PodFolder


@pytest.fixture
def asking(make_pod, tmp_path):
    """A pod that asks for GPUs, and its folder."""

    def make(uid: str, number: int, resource: str = "nvidia.com/gpu", **spec):
        pod = make_pod({"resources": {"limits": {resource: str(number), "cpu": "64"}}}, **spec)
        folder = PodFolder(tmp_path / "pods" / uid)
        folder.make()
        return pod, folder

    return make


def test_a_pod_waits_until_another_gives_its_gpus_back(asking, tmp_path):
    places = Places(tmp_path, ("0", "1", "2"))
    first, second = asking("a", 2), asking("b", 2)
    assert places.take(*first) == ""
    assert places.take(*second) == "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    assert (held_by(first[1]), held_by(second[1])) == (["0", "1"], [])
    give_back(first[1])
    assert Places(tmp_path, ("0", "1", "2")).take(*second) == "", "what is held is read from disk"
    assert held_by(second[1]) == ["0", "1"]


def test_a_pod_keeps_what_it_has(asking, tmp_path):
    places, pod = Places(tmp_path, ("0",)), asking("a", 1)
    assert [places.take(*pod), places.take(*pod)] == ["", ""]
    assert held_by(pod[1]) == ["0"]


def test_a_device_that_the_machine_does_not_have_is_never_free(asking, tmp_path):
    pod = asking("a", 1, "nvidia.com/mig-1g.10gb")
    assert "Insufficient nvidia.com/mig-1g.10gb" in Places(tmp_path, ("0",)).take(*pod)


def test_a_pod_that_asks_for_no_device_is_placed_without_a_trace(asking, tmp_path):
    pod, folder = asking("a", 0)
    assert Places(tmp_path).take(pod, folder) == ""
    assert not folder.gpus.exists()


def test_a_node_selector_is_minded(asking, tmp_path):
    places = Places(tmp_path, ("0",), {"kubernetes.io/os": "linux"})
    other = asking("a", 1, nodeSelector={"gpu": "h100"})
    said = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    assert places.take(*other) == said
    assert places.take(*asking("b", 1, nodeSelector={"kubernetes.io/os": "linux"})) == ""


def test_what_containers_ask_for_is_added_up_but_not_over_the_start(make_pod):
    limits = {"resources": {"limits": {"a.com/x": 2, "kubernetes.io/batch": 1}}}
    pod = make_pod(limits, limits, initContainers=[{"resources": {"limits": {"a.com/x": "3"}}}])
    assert extended_resources(pod) == {"a.com/x": 4}


def test_the_listing_of_gpus_may_be_a_complaint():
    assert gpus.numbers_in("0\n 1 \n") == ("0", "1")
    assert gpus.numbers_in("No devices were found\n") == ()


@pytest.mark.parametrize(
    ("visible", "left"),
    [
        (None, ("0", "1", "2")),
        ("", ()),
        ("-1", ()),
        ("2,0", ("2", "0")),
        ("1, 1", ("1",)),
        ("1,7,2", ("1",)),
        ("GPU-5a3f,0", ("GPU-5a3f", "0")),
    ],
)
def test_the_plane_shares_out_what_it_was_given(visible, left):
    assert gpus.left_of(("0", "1", "2"), visible) == left
    assert gpus.left_of((), visible) == ()


def test_a_machine_with_the_program_has_its_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus.gpus_of_machine() == ()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 0\necho 1\n")
    program.chmod(0o755)
    assert gpus.gpus_of_machine() == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpus.gpus_of_machine() == ("1",)
