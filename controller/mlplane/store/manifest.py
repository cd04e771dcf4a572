"""The manifest of an artifact: what its files are, and hence whether the bytes are the ones that were put.

Written last and read first: a folder without a manifest is not an artifact.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlplane.errors import Terminal
from mlplane.store.digest import FileEntry, check_path, identity_digest, merkle

FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """The files of an artifact."""

    files: tuple[FileEntry, ...]
    identity: Mapping[str, Any] = field(default_factory=dict)
    """What the artifact is named by instead of its files; empty where the files name it."""

    @property
    def digest(self) -> str:
        """The digest that follows from what the manifest says."""
        return identity_digest(self.identity) if self.identity else merkle(self.files)

    def to_json(self) -> bytes:
        """The manifest as it is stored; the same for the same artifact."""
        files = [entry._asdict() for entry in sorted(self.files)]
        document = {"version": FORMAT, "digest": self.digest, "files": files, "identity": self.identity}
        return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def read_manifest(content: bytes, digest: str) -> Manifest:
    """Read a stored manifest, and check that it is the one of that artifact.

    Args:
        content: The bytes of manifest.json.
        digest: The digest in the name of the artifact.

    Raises:
        Terminal: it cannot be read, names a file outside of the artifact, or has another digest.
    """
    try:
        document = json.loads(content)
        if document["version"] != FORMAT:
            raise Terminal(f"manifest.json has version {document['version']!r}; this mlplane reads {FORMAT}")
        files = tuple(FileEntry(str(f["path"]), int(f["size"]), str(f["sha256"])) for f in document["files"])
        manifest = Manifest(files, dict(document["identity"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Terminal(
            f"manifest.json of {digest} is damaged: it is not the JSON that mlplane writes"
        ) from error
    for entry in files:
        check_path(entry.path)
    if manifest.digest != digest:
        raise Terminal(
            f"manifest.json does not fit: it describes {manifest.digest}, the artifact is {digest}"
        )
    return manifest
