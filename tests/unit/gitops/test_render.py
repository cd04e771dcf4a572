import pytest

import builders as b
from mlplane.gitops.render import UNKNOWN_DIGEST, render

SERVER = b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}})
PINNED = b.body(
    "ModelServer", "digits", {"modelVersion": {"name": "digits-aaaaaaaa", "digest": b.MODEL_DIGEST}}
)


def rendered(*bodies):
    return list(render(bodies, b.SETTINGS))


def test_a_dataset_becomes_the_workflow_that_reads_it():
    [found] = rendered(b.dataset())
    assert (found.source, found.note, found.body["kind"]) == ("Dataset digits", "", "Workflow")


def test_a_run_says_that_the_digest_of_its_data_is_not_known_yet():
    found = rendered(b.run(), b.dataset())[0]
    assert found.note.startswith("zeros stand for the digest")
    assert found.body["metadata"]["name"] == "digits-1-1"
    assert UNKNOWN_DIGEST in str(found.body)


def test_a_run_on_a_dataset_that_was_read_from_a_cluster_is_rendered_as_it_will_be():
    found = rendered(b.run(), b.ready_dataset())[0]
    assert found.note == ""
    assert b.DATA_DIGEST in str(found.body)
    assert UNKNOWN_DIGEST not in str(found.body)


@pytest.mark.parametrize("server", [SERVER, PINNED], ids=["follow", "pinned"])
def test_a_server_becomes_an_inference_service(server):
    [found] = rendered(server, b.model_version())
    assert found.body["kind"] == "InferenceService"
    assert b.MODEL_DIGEST in str(found.body)
    assert "digits-aaaaaaaa" in found.note


@pytest.mark.parametrize("server", [SERVER, PINNED], ids=["follow", "pinned"])
def test_a_server_without_its_version_says_what_it_waits_for(server):
    [found] = rendered(server)
    assert found.body is None
    assert "waits for" in found.note
