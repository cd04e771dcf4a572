"""What this node does not run."""

import aiohttp
import pytest

from mlplane.local.node.lifecycle import Backoff
from mlplane.local.node.placing import Places
from mlplane.local.node.refusals import CannotStart, check
from mlplane.local.node.starting import Node
from mlplane.local.node.worker import Worker

IMAGES = ("ghcr.io/mlplane/runtime:*",)


def refusal(pod, images=IMAGES):
    with pytest.raises(CannotStart) as caught:
        check(pod, pod["spec"]["containers"][0], images)
    return caught.value


def test_an_ordinary_container_is_taken(make_pod):
    mounts = [{"name": "w", "mountPath": "/mnt/mlplane"}, {"name": "g", "mountPath": "/mnt/mlplane/git/"}]
    probe = {"httpGet": {"port": 8080}}
    container = {
        "volumeMounts": mounts,
        "readinessProbe": probe,
        "startupProbe": {"tcpSocket": {"port": 8080}},
        "resources": {"limits": {}},
        "securityContext": {},
    }
    pod = make_pod(
        container, volumes=[{"name": "w", "emptyDir": {}}, {"name": "g", "configMap": {"name": "x"}}]
    )
    check(pod, pod["spec"]["containers"][0], IMAGES)


@pytest.mark.parametrize("image", ["nginx:1", "ghcr.io/mlplane/runtime", "evil/ghcr.io/mlplane/runtime:1"])
def test_other_images_are_refused_as_by_a_registry(make_pod, image):
    refused = refusal(make_pod({"image": image}))
    assert refused.reason == "ErrImagePull"
    assert image in str(refused)
    assert IMAGES[0] in str(refused)


@pytest.mark.parametrize(
    ("container", "volumes", "want"),
    [
        ({"command": []}, [], "command is missing"),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/data"}]},
            [{"name": "v", "emptyDir": {}}],
            "mountPath '/data' is not under /mnt/mlplane or /mnt/models",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/mnt/mlplane/../.."}]},
            [{"name": "v", "emptyDir": {}}],
            "mountPath '/mnt/mlplane/../..' is not under",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/mnt/models"}]},
            [{"name": "v", "hostPath": {"path": "/"}}],
            "volume 'v' is hostPath; allowed are emptyDir, configMap, downwardAPI and persistentVolumeClaim",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/mnt/models"}]},
            [{"name": "v", "persistentVolumeClaim": {"claimName": "../../x"}}],
            "volume 'v' names a claim that cannot be a folder",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/mnt/models"}]},
            [],
            "names volume 'v', which the pod does not have",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/mnt/models", "subPath": "a"}]},
            [{"name": "v", "emptyDir": {}}],
            "has a subPath",
        ),
        ({"livenessProbe": {"exec": {}}}, [], "livenessProbe must be httpGet or tcpSocket"),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/mnt/models"}]},
            [{"name": "v", "emptyDir": {"medium": "Memory"}}],
            "volume 'v' is in memory; only /dev/shm may be",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/dev/shm"}]},
            [{"name": "v", "emptyDir": {}}],
            "mountPath '/dev/shm' is not under /mnt/mlplane or /mnt/models",
        ),
        ({"name": "../../x"}, [], "name '../../x' cannot be that of a file"),
        ({"lifecycle": {"preStop": {}}}, [], "lifecycle is not supported"),
    ],
)
def test_what_a_process_cannot_have_is_named(make_pod, container, volumes, want):
    refused = refusal(make_pod(container, volumes=volumes))
    assert refused.reason == "CreateContainerConfigError"
    assert want in str(refused)


def test_one_volume_under_two_paths_is_refused(make_pod):
    one, two = ({"volumeMounts": [{"name": "v", "mountPath": f"/mnt/mlplane/{p}"}]} for p in "ab")
    assert "mounted at '/mnt/mlplane/a' and at '/mnt/mlplane/b'" in str(
        refusal(make_pod(one, two, volumes=[{"name": "v", "emptyDir": {}}]))
    )


class Written:
    """Takes what a worker writes."""

    def __init__(self):
        self.status = {}

    async def patch(self, _, patch, **__):
        self.status |= patch["status"]
        return patch


@pytest.mark.parametrize("name", ["../../../escaped", ".."])
async def test_a_pod_whose_container_is_named_as_a_path_waits_and_says_why(make_pod, tmp_path, name):
    written, pod = Written(), make_pod({"name": name, "terminationMessagePolicy": "FallbackToLogsOnError"})
    async with aiohttp.ClientSession() as session:
        state = tmp_path / "state"
        worker = Worker(Node(written, state, IMAGES, session, Backoff(), Places(state)), pod)
        assert await worker._pass() is not None
    waiting = written.status["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert f"name {name!r} cannot be that of a file" in waiting["message"]
    assert not list(tmp_path.rglob("*escaped*"))
