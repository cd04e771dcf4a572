import pytest

from mlplane.errors import InvalidInput
from mlplane.gitops.committed import valid_documents

SERVER = b"""\
apiVersion: mlplane.dev/v1alpha1
kind: ModelServer
metadata: {name: digits}
spec:
  follow: {model: digits, policy: Newest}
"""
PROMOTION = b"""\
apiVersion: mlplane.dev/v1alpha1
kind: Promotion
environments: [{name: dev, path: dev, namespace: dev}]
"""


def test_of_a_whole_repository_only_objects_are_applied():
    files = {
        "dev/server.yaml": SERVER,
        "promotion.yaml": PROMOTION,
        ".github/workflows/mlplane.yaml": b"on: push\n",
        ".gitlab-ci.yml": b"image: !reference [a]\n",
    }
    assert [document.file for document in valid_documents(files)] == ["dev/server.yaml"]


def test_every_fault_of_every_file_is_named():
    files = {"a.yaml": b"a: [", "b.yaml": b"\xff", "c.yaml": SERVER.replace(b"policy", b"polcy")}
    with pytest.raises(InvalidInput) as caught:
        valid_documents(files)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()][:3] == [
        "a.yaml",
        "b.yaml",
        "c.yaml",
    ]
