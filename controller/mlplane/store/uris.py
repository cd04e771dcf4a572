"""Where an artifact is: ``store://kind/name/sha256-hex`` and the fsspec URL that it stands for.

Pure, and without fsspec, because adapters resolve URIs at render time.
"""

import re
from typing import NamedTuple

from mlplane.errors import InvalidInput

SCHEME = "store://"
_ADDRESS = re.compile(r"(?P<kind>[a-z]+)/(?P<name>[a-z][-a-z0-9]*)/sha256-(?P<hex>[0-9a-f]{64})")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Address(NamedTuple):
    """An artifact of a store."""

    kind: str
    name: str
    digest: str
    """``sha256:<hex>``"""

    @property
    def path(self) -> str:
        """The folder of the artifact, relative to the store."""
        return f"{self.kind}/{self.name}/{folder_of(self.digest)}"


def parse(uri: str) -> Address:
    """Read a ``store://`` URI.

    Raises:
        InvalidInput: it is none.
    """
    match = _ADDRESS.fullmatch(uri.removeprefix(SCHEME)) if uri.startswith(SCHEME) else None
    if match is None:
        raise InvalidInput(
            f"{uri!r} is not an artifact; expected {SCHEME}<kind>/<name>/sha256-<64 hex digits>"
        )
    return Address(match["kind"], match["name"], f"sha256:{match['hex']}")


def uri_of(kind: str, name: str, digest: str) -> str:
    """The ``store://`` URI of an artifact.

    Raises:
        InvalidInput: a part of it is malformed.
    """
    uri = f"{SCHEME}{kind}/{name}/{folder_of(digest)}"
    parse(uri)
    return uri


def resolve(uri: str, store_url: str) -> str:
    """The fsspec URL of an artifact in a store: ``file:///data/store/models/digits/sha256-…``.

    Args:
        uri: A ``store://`` URI.
        store_url: fsspec URL of the store, such as ``file:///data/store`` or ``s3://bucket/prefix``.
    """
    return f"{store_url.rstrip('/')}/{parse(uri).path}"


def split_url(url: str) -> tuple[str, Address]:
    """The store and the artifact that a resolved URL is made of: the reverse of ``resolve``.

    Raises:
        InvalidInput: the URL does not end like an artifact.
    """
    parts = url.rstrip("/").rsplit("/", 3)
    if len(parts) != 4 or not _ADDRESS.fullmatch("/".join(parts[1:])):
        raise InvalidInput(
            f"{url!r} is not an artifact; expected <store>/<kind>/<name>/sha256-<64 hex digits>"
        )
    return parts[0], parse(SCHEME + "/".join(parts[1:]))


def digest_in(uri: str) -> str:
    """The digest ``sha256:<hex>`` in the name of an artifact, given as ``store://`` URI or as resolved URL.

    Raises:
        InvalidInput: it names no artifact.
    """
    return (parse(uri) if uri.startswith(SCHEME) else split_url(uri)[1]).digest


def folder_of(digest: str) -> str:
    """``sha256-<hex>``: a digest as the name of a folder, for a colon is not welcome in paths.

    Raises:
        InvalidInput: it is no digest.
    """
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{digest!r} is not a digest; expected sha256:<64 hex digits>")
    return digest.replace(":", "-")
