"""Paths of containers in a pod's folder."""

from pathlib import Path

import pytest

from mlplane.errors import InvalidInput
from mlplane.local.podfolder import PodFolder

FOLDER = PodFolder(Path("/s/pods/u"))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("/mnt/mlplane", "/s/pods/u/mnt/mlplane"),
        ("/mnt/mlplane/out/x", "/s/pods/u/mnt/mlplane/out/x"),
        ("--dir=/mnt/models", "--dir=/s/pods/u/mnt/models"),
        ("file:///mnt/models/a", "file:///s/pods/u/mnt/models/a"),
        (
            '{"a":"/mnt/mlplane/a","b":"/mnt/models"}',
            '{"a":"/s/pods/u/mnt/mlplane/a","b":"/s/pods/u/mnt/models"}',
        ),
        ("/mnt/mlplane:/mnt/models", "/s/pods/u/mnt/mlplane:/s/pods/u/mnt/models"),
        ("/mnt/models2 /mnt/models-old /mnt/mlplane.d", "/mnt/models2 /mnt/models-old /mnt/mlplane.d"),
        ("/other/mnt/models s3://mnt/models", "/other/mnt/models s3://mnt/models"),
    ],
)
def test_only_the_two_prefixes_are_mapped_and_only_as_whole_paths(text, want):
    assert FOLDER.map_text(text) == want


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/x", "a/b", "a\0"])
@pytest.mark.parametrize("path", [FOLDER.log, FOLDER.previous_log, FOLDER.stdout, FOLDER.attempts])
def test_the_name_of_a_container_leads_nowhere_else(path, name):
    with pytest.raises(InvalidInput, match="cannot be that of a file"):
        path(name)
