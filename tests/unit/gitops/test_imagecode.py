"""Code that comes with the image has no commit: there is nothing to pin in it, and nothing to complain of."""

import pytest
import yaml

from builders import run
from mlplane.gitops.pins import pins
from mlplane.gitops.validate import validate

DIGEST = "sha256:" + "1" * 64


def manifest(**changes):
    body = run()
    spec = body["spec"] | {"code": {"image": {"path": "/app"}}, "image": f"registry.example/train@{DIGEST}"}
    document = {k: body[k] for k in ("apiVersion", "kind")} | {"metadata": {"name": "digits-1"}}
    return yaml.safe_dump(document | {"spec": spec | changes}, sort_keys=False)


def test_there_is_no_pin_in_it():
    assert pins(manifest(), "run.yaml") == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"image": "registry.example/train:1"}, "code in an image needs spec.image with a digest"),
        ({"code": {"image": {"path": "app"}}}, "spec.code.image.path"),
        ({"code": {}}, "give exactly one of git and image"),
    ],
)
def test_validate_asks_for_the_digest_of_the_image_alone(tmp_path, changes, says):
    (tmp_path / "run.yaml").write_text(manifest(**changes))
    found = " ".join(f"{finding.path} {finding.message}" for finding in validate([tmp_path / "run.yaml"]))
    assert (says in found) if says else ("code" not in found and "image" not in found), found
