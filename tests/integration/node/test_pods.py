"""Pods as real processes, through a real API server."""

import base64
import itertools
import json

import pytest

from mlplane.api.refs import ref_of
from mlplane.local.node import runs

pytestmark = pytest.mark.timeout(240)


def main_state(status):
    return (status.get("containerStatuses") or [{}])[0].get("state") or {}


def restarts(status):
    return (status.get("containerStatuses") or [{}])[0].get("restartCount", 0)


def is_ready(status):
    return {c["type"]: c["status"] for c in status.get("conditions") or ()}.get("Ready") == "True"


async def test_a_pod_runs_its_command_and_its_log_and_status_are_there(world):
    world.start()
    await world.pod("p", "echo hello; echo oops >&2")
    pod = await world.phase("Pod", "p", "Succeeded")
    assert world.log(pod) == "hello\noops\n"
    state = pod["status"]["containerStatuses"][0]
    assert (state["state"]["terminated"]["exitCode"], state["state"]["terminated"]["reason"]) == (
        0,
        "Completed",
    )
    assert (state["restartCount"], state["ready"]) == (0, False)
    conditions = {c["type"]: (c["status"], c.get("reason")) for c in pod["status"]["conditions"]}
    assert conditions["Ready"] == ("False", "PodCompleted")
    assert conditions["PodScheduled"] == ("True", None)
    assert pod["status"]["podIP"] == "127.0.0.1"


async def test_a_non_zero_exit_fails_the_pod_with_its_code_and_last_words(world):
    world.start()
    await world.pod("p", "echo it broke; exit 7", terminationMessagePolicy="FallbackToLogsOnError")
    pod = await world.phase("Pod", "p", "Failed")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (7, "Error", "it broke")


async def test_the_planes_own_environment_does_not_leak(world):
    world.start(KUBECONFIG="/secret/kubeconfig", MLPLANE_TOKEN="secret")
    await world.pod("p", "env", env=[{"name": "MINE", "value": "/mnt/mlplane/x"}])
    pod = await world.phase("Pod", "p", "Succeeded")
    made = dict(line.split("=", 1) for line in world.log(pod).splitlines())
    own = {"PATH", "HOME", "LANG", "TMPDIR", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"}
    assert set(made) - {"PWD", "SHLVL", "_"} == own | {"MINE"}
    assert made["MINE"] == f"{world.folder(pod).root}/mnt/mlplane/x"


async def test_an_image_that_is_not_allowed_waits_and_says_why(world):
    world.start()
    await world.pod("p", image="docker.io/library/nginx:1")
    pod = await world.wait_for("Pod", "p", main_state)
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert (pod["status"]["phase"], waiting["reason"]) == ("Pending", "ErrImagePull")
    assert "docker.io/library/nginx:1" in waiting["message"]
    assert not world.folder(pod).attempts("main").exists()


async def test_a_secret_is_waited_for_and_never_written_down(world):
    world.start()
    env = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    await world.pod("p", 'test "$PASSWORD" = hunter2-xyz', env=env)
    pod = await world.wait_for("Pod", "p", main_state)
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}
    data = {"k": base64.b64encode(b"hunter2-xyz").decode()}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "node-test"},
        "data": data,
    }
    await world.cluster.apply(secret, manager="test")
    pod = await world.phase("Pod", "p", "Succeeded")
    files = [path for path in world.folder(pod).root.rglob("*") if path.is_file()]
    assert files
    assert not any(b"hunter2-xyz" in path.read_bytes() for path in files)


async def test_init_containers_come_first_and_share_their_folder(world):
    volumes = [{"name": "m", "emptyDir": {}}]
    mounts = [{"name": "m", "mountPath": "/mnt/models"}]
    init = {
        "name": "fetch",
        "image": "ghcr.io/mlplane/runtime:test",
        "command": ["/bin/sh", "-c"],
        "volumeMounts": mounts,
    }
    init["args"] = ["echo model > /mnt/models/m"]
    world.start()
    await world.pod(
        "p", "cat /mnt/models/m", volumeMounts=mounts, spec={"initContainers": [init], "volumes": volumes}
    )
    pod = await world.phase("Pod", "p", "Succeeded")
    assert world.log(pod) == "model\n"
    assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


async def test_a_server_is_ready_when_its_probe_says_so_and_the_port_is_announced(world):
    probe = {
        "httpGet": {"path": "/mnt/mlplane/ready", "port": "http"},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    world.start()
    await world.pod(
        "p",
        'exec python -m http.server "$PORT" --bind "$HOST"',
        policy="Always",
        ports=[{"containerPort": 8080, "name": "http"}],
        readinessProbe=probe,
    )
    pod = await world.wait_for("Pod", "p", lambda s: "running" in main_state(s))
    assert not is_ready(pod["status"])
    assert int(pod["metadata"]["annotations"]["node.mlplane.dev/port"]) > 1024
    (world.folder(pod).root / "mnt/mlplane/ready").touch()
    await world.wait_for("Pod", "p", is_ready)
    (world.folder(pod).root / "mnt/mlplane/ready").unlink()
    await world.wait_for("Pod", "p", lambda s: not is_ready(s))


async def test_readiness_and_the_process_outlive_the_node(world):
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    world.start()
    await world.pod(
        "p", 'exec python -m http.server "$PORT" --bind "$HOST"', policy="Always",
        ports=[{"containerPort": 8080}], readinessProbe=probe,
    )  # fmt: skip
    pod = await world.wait_for("Pod", "p", is_ready)
    before = world.run(pod)
    world.kill()
    world.start()
    (world.folder(pod).root / "restarted").touch()
    await world.pod("other", "true")
    await world.phase("Pod", "other", "Succeeded")
    after = await world.get("Pod", "p")
    assert is_ready(after["status"])
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0
    assert world.run(pod) == before
    ready = next(c for c in after["status"]["conditions"] if c["type"] == "Ready")
    assert ready == next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")


async def test_a_container_that_keeps_failing_is_started_again_after_growing_pauses(world):
    world.start(backoff=0.3)
    await world.pod("p", "echo again; exit 1", policy="Always")
    pod = await world.wait_for("Pod", "p", lambda s: restarts(s) >= 3)
    await world.wait_for(
        "Pod", "p", lambda s: main_state(s).get("waiting", {}).get("reason") == "CrashLoopBackOff"
    )
    found = runs.read(world.folder(pod), "main")
    pauses = [later.started - earlier.finished for earlier, later in itertools.pairwise(found)]
    assert pauses[1] >= 0.25
    assert pauses[2] >= 0.55
    assert (await world.get("Pod", "p"))["status"]["phase"] == "Running"


async def test_a_container_whose_liveness_probe_fails_is_started_again(world):
    probe = {"httpGet": {"path": "/alive", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    world.start()
    await world.pod(
        "p", 'touch alive; exec python -m http.server "$PORT" --bind "$HOST"', policy="Always",
        ports=[{"containerPort": 8080}], livenessProbe=probe | {"initialDelaySeconds": 1},
    )  # fmt: skip
    pod = await world.wait_for("Pod", "p", lambda s: "running" in main_state(s))
    (world.folder(pod).root / "alive").unlink()
    await world.wait_for("Pod", "p", lambda s: restarts(s) == 1)


async def test_a_deleted_pod_leaves_no_process_and_no_folder(world):
    world.start()
    await world.pod("p", "sleep 60")
    pod = await world.phase("Pod", "p", "Running")
    assert len(world.running()) == 1
    await world.cluster.delete(ref_of(pod))
    await world.wait_gone("p")
    await world.wait_for_files_gone(pod)
    assert world.running() == []


async def test_a_pod_that_was_deleted_while_no_node_looked_is_cleaned_up(world):
    world.start()
    await world.pod("p", "sleep 60")
    pod = await world.phase("Pod", "p", "Running")
    world.kill()
    assert len(world.running()) == 1
    await world.delete_at_once(pod)
    world.start()
    await world.wait_for_files_gone(pod)
    assert world.running() == []


async def test_a_graceful_stop_leaves_no_process_and_says_so_on_the_pod(world):
    world.start()
    await world.pod("once", "trap 'echo stopping; exit 0' TERM; sleep 60 & wait")
    await world.pod("always", "sleep 60", policy="Always")
    once = await world.phase("Pod", "once", "Running")
    always = await world.phase("Pod", "always", "Running")
    await world.stop()
    assert world.running() == []
    assert world.log(once) == "stopping\n"
    once = await world.get("Pod", "once")
    assert (once["status"]["phase"], once["status"]["reason"]) == ("Failed", "NodeShutdown")
    assert "stopped" in once["status"]["message"]
    world.start()
    await world.wait_for(
        "Pod",
        "always",
        lambda s: "running" in main_state(s) and s["containerStatuses"][0]["restartCount"] == 1,
    )
    assert world.run(always).attempt == 1
    assert (await world.get("Pod", "once"))["status"] == once["status"]


async def test_processes_that_do_not_listen_are_killed_after_their_grace_period(world):
    world.start()
    await world.pod(
        "p", "trap '' TERM; while true; do sleep 1; done", spec={"terminationGracePeriodSeconds": 1}
    )
    await world.phase("Pod", "p", "Running")
    await world.stop()
    assert world.running() == []


async def test_a_pod_ends_when_its_deadline_is_over(world):
    world.start()
    await world.pod("p", "sleep 60", spec={"activeDeadlineSeconds": 1})
    pod = await world.phase("Pod", "p", "Failed")
    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert world.running() == []


async def test_a_pod_whose_folder_is_gone_is_lost(world):
    world.start()
    await world.pod("p", "sleep 60")
    pod = await world.phase("Pod", "p", "Running")
    world.kill()
    await world.forget(pod)
    world.start()
    pod = await world.phase("Pod", "p", "Failed")
    assert pod["status"]["reason"] == "NodeLost"


async def test_status_is_not_written_when_nothing_changes(world):
    world.start()
    await world.pod("p", "sleep 60")
    await world.phase("Pod", "p", "Running")
    await world.pod("q", "sleep 1")
    before = json.dumps(await world.get("Pod", "p"))
    await world.phase("Pod", "q", "Succeeded")
    assert json.dumps(await world.get("Pod", "p")) == before


async def test_a_pod_waits_for_the_gpus_of_another_also_when_the_node_is_started_again(world):
    limits = {"resources": {"limits": {"nvidia.com/gpu": "2"}}}
    world.start()
    until_told = "echo $CUDA_VISIBLE_DEVICES; until [ -e /mnt/mlplane/go ]; do sleep 0.05; done"
    await world.pod("first", until_told, **limits)
    first = await world.phase("Pod", "first", "Running")
    await world.pod("second", "echo $CUDA_VISIBLE_DEVICES", **limits)

    def waits(status):
        return [
            c.get("message") for c in status.get("conditions") or () if c.get("reason") == "Unschedulable"
        ]

    said = await world.wait_for("Pod", "second", waits)
    assert waits(said["status"]) == ["0/1 nodes are available: 1 Insufficient nvidia.com/gpu."]
    assert said["status"]["phase"] == "Pending"
    world.kill()
    world.start()
    await world.pod("third", "echo sees-$CUDA_VISIBLE_DEVICES")
    third = await world.phase("Pod", "third", "Succeeded")
    assert world.log(third) == "sees-\n", "who asks for none sees none"
    assert (await world.get("Pod", "second"))["status"]["phase"] == "Pending"

    (world.folder(first).root / "mnt/mlplane/go").touch()
    await world.phase("Pod", "first", "Succeeded")
    second = await world.phase("Pod", "second", "Succeeded")
    assert (world.log(first), world.log(second)) == ("0,1\n", "0,1\n")
