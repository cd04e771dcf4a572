"""Whether an image is still in its registry, asked of one on this machine."""

import json

import pytest

from mlplane.gitops.images import image_gate
from sourceservers import Answer, web_server

DIGEST = "sha256:" + "a" * 64
PATH = f"/v2/team/runtime/manifests/{DIGEST}"


@pytest.fixture
def registry():
    with web_server() as web:
        yield web


def image(registry, tag=""):
    return f"127.0.0.1:{registry.port}/team/runtime{tag}@{DIGEST}"


@pytest.mark.parametrize("tag", ["", ":1.2"])
def test_an_image_that_is_there_passes(registry, tag):
    registry.answers[PATH] = Answer(200)
    assert image_gate(image(registry, tag)).state == "Passed"


def test_an_image_that_is_gone_fails_and_says_what_to_do(registry):
    gate = image_gate(image(registry))
    assert (gate.state, gate.message) == (
        "Failed",
        f"127.0.0.1:{registry.port} has no team/runtime@{DIGEST}: push that image again",
    )


def test_a_registry_that_wants_an_anonymous_token_gets_one(registry):
    realm = f'Bearer realm="http://127.0.0.1:{registry.port}/token",service="reg",scope="repository:team/runtime:pull"'

    def manifest(request):
        allowed = request.headers.get("authorization") == "Bearer t"
        return Answer(200) if allowed else Answer(401, headers={"www-authenticate": realm})

    registry.answers[PATH] = manifest
    registry.answers["/token"] = Answer(200, json.dumps({"token": "t"}).encode())
    assert image_gate(image(registry)).state == "Passed"
    asked = next(request for request in registry.seen if request.path == "/token")
    assert asked.query == {"service": ["reg"], "scope": ["repository:team/runtime:pull"]}


def test_a_registry_that_wants_a_password_does_not_tell(registry):
    registry.answers[PATH] = Answer(401, headers={"www-authenticate": 'Basic realm="x"'})
    registry.answers["*"] = Answer(401)
    gate = image_gate(image(registry))
    assert (gate.state, gate.message) == (
        "Warning",
        f"the registry 127.0.0.1:{registry.port} does not tell (401)",
    )


def test_an_image_without_a_digest_is_not_asked_for():
    gate = image_gate("ghcr.io/mlplane/runtime:0.1.0")
    assert gate.state == "Warning"
    assert "names no digest" in gate.message


def test_a_registry_that_is_not_there_is_a_warning():
    gate = image_gate(f"127.0.0.1:9/team/runtime@{DIGEST}")
    assert gate.message == "the registry 127.0.0.1:9 cannot be asked: ConnectError"
