"""What a container's process inherits and may use, and what is kept of what it says."""

import os
import resource
import sys

import pytest

from mlplane.local.node import lifecycle, memory, mounts, runs
from mlplane.local.node.containerlimits import cpus_of, memory_of
from mlplane.local.node.memory import MemoryWatch
from mlplane.local.node.podfields import field_of
from mlplane.local.node.refusals import CannotStart
from mlplane.local.node.shim import OPEN_FILES


@pytest.fixture
def over(folder, eventually):
    def wait():
        def ask():
            runs.reap()
            found = runs.read(folder, "c")
            return found[-1] if found and found[-1].is_over else None

        return eventually(ask)

    return wait


def limited(**limits):
    return {"name": "c", "resources": {"limits": limits}}


@pytest.mark.parametrize(
    ("container", "cpus", "bytes_"),
    [
        ({"name": "c"}, None, None),
        (limited(cpu="500m", memory="1Mi"), 1, 2**20),
        (limited(cpu="1500m"), 2, None),
        (limited(cpu=4), 4, None),
        (limited(cpu="many"), None, None),
    ],
)
def test_limits_are_read_from_resources(container, cpus, bytes_):
    assert (cpus_of(container), memory_of(container)) == (cpus, bytes_)


def test_a_process_inherits_nothing_from_the_shell_that_started_the_plane(folder, run_shell, over):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    before = os.umask(0o077)
    try:
        run_shell("umask; ulimit -c; ulimit -S -n")
        over()
    finally:
        os.umask(before)
    umask, core, files = folder.log("c").read_text().split()
    assert (int(umask, 8), core) == (0o022, "0")
    assert files == str(OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard))


def test_standard_output_is_in_the_log_and_alone_where_it_is_wanted(folder, over):
    folder.make()
    script = "echo one; echo problem >&2; echo two"
    runs.start(folder, "c", 0, ["/bin/sh", "-c", script], dict(os.environ), keep_stdout=True)
    assert over().code == 0
    assert folder.stdout("c").read_text() == "one\ntwo\n"
    assert sorted(folder.log("c").read_text().split()) == ["one", "problem", "two"]


def test_much_output_is_kept_whole_and_what_is_left_running_does_not_hold_it_up(folder, over):
    folder.make()
    script = "sleep 60 & head -c 300000 /dev/zero | tr '\\0' x"
    runs.start(folder, "c", 0, ["/bin/sh", "-c", script], dict(os.environ), keep_stdout=True)
    assert over().code == 0
    assert folder.stdout("c").stat().st_size == folder.log("c").stat().st_size == 300000


def test_a_container_that_uses_more_memory_than_it_may_is_killed_and_says_why(folder, over, eventually):
    folder.make()
    hungry = "import time; kept = bytearray(80_000_000); print('full', flush=True); time.sleep(60)"
    runs.start(folder, "c", 0, [sys.executable, "-c", hungry], dict(os.environ))
    eventually(lambda: folder.log("c").exists() and "full" in folder.log("c").read_text())
    pod = {"spec": {"containers": [limited(memory="1Gi")]}}
    watch = MemoryWatch(folder)
    assert watch.is_due(pod)
    watch.end_over_limit(pod, {"c": runs.read(folder, "c")})
    assert not watch.is_due(pod), "not again at once"
    assert memory.used_by(runs.read(folder, "c")[-1].pid) > 80_000_000
    pod["spec"]["containers"] = [limited(memory="50Mi")]
    watch.end_over_limit(pod, {"c": runs.read(folder, "c")})
    run = over()
    assert (run.code, run.out_of_memory) == (137, True)
    assert lifecycle.phase_of({"spec": {**pod["spec"], "restartPolicy": "Never"}}, {"c": (run,)}) == "Failed"


def test_pages_that_processes_share_count_once(folder, over, eventually):
    folder.make()
    sharing = (
        "import os, time; kept = bytearray(80_000_000)\n"
        "[os._exit(time.sleep(60) or 0) for _ in range(3) if os.fork() == 0]\n"
        "print('full', flush=True); time.sleep(60)"
    )
    runs.start(folder, "c", 0, [sys.executable, "-c", sharing], dict(os.environ))
    eventually(lambda: folder.log("c").exists() and "full" in folder.log("c").read_text())
    found = {"c": runs.read(folder, "c")}
    assert memory.used_by(found["c"][-1].pid) > 240_000_000
    MemoryWatch(folder).end_over_limit({"spec": {"containers": [limited(memory="200M")]}}, found)
    assert not (folder.attempts("c") / "0" / runs.OUT_OF_MEMORY).exists()
    MemoryWatch(folder).end_over_limit({"spec": {"containers": [limited(memory="70M")]}}, found)
    assert over().out_of_memory


def test_a_pod_without_a_memory_limit_is_not_looked_at(folder):
    assert not MemoryWatch(folder).is_due({"spec": {"containers": [limited(cpu="1")]}})


def described(**meta):
    return {"metadata": {"name": "p", "namespace": "n", "uid": "u", **meta}, "spec": {"nodeName": "here"}}


def test_fields_of_a_pod_may_be_files_whose_paths_are_the_containers(folder):
    pod = described(annotations={"a.b/c": "cat /mnt/mlplane/x"})
    item = {"path": "script", "fieldRef": {"fieldPath": "metadata.annotations['a.b/c']"}}
    pod["spec"]["volumes"] = [{"name": "v", "downwardAPI": {"items": [item]}}]
    container = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/mnt/mlplane/.argo"}]}
    mounts.write_mounts(pod, container, {}, folder)
    written = folder.path_of("/mnt/mlplane/.argo/script").read_text()
    assert written == f"cat {folder.path_of('/mnt/mlplane/x')}"
    item["path"] = "../script"
    with pytest.raises(CannotStart, match="leaves the volume"):
        mounts.write_mounts(pod, container, {}, folder)


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['team']", "blue"),
        ("metadata.labels['none']", ""),
        ("spec.nodeName", "here"),
    ],
)
def test_fields_of_a_pod_are_found_by_path(path, want):
    assert field_of(described(labels={"team": "blue"}), path) == want


def test_a_field_that_is_not_supported_is_refused_by_name():
    with pytest.raises(CannotStart, match=r"fieldRef 'spec.x' is not supported; allowed are metadata.name"):
        field_of(described(), "spec.x")
