"""Download an artifact by its resolved URL, and verify it: what an init container does before a server."""

from pathlib import Path

from mlplane.store.artifacts import Store
from mlplane.store.uris import split_url, uri_of


def download(url: str, directory: Path) -> str:
    """Copy an artifact to a directory.

    Args:
        url: Resolved URL, such as ``file:///data/store/models/digits/sha256-…`` or ``s3://…``.
        directory: Where to; made if need be.

    Returns:
        The digest ``sha256:<hex>`` that was verified.

    Raises:
        InvalidInput: the URL is not that of an artifact.
        Terminal: no such artifact, or damaged; names the file.
        Transient: the store failed.
    """
    store_url, address = split_url(url)
    Store(store_url).get(uri_of(*address), directory)
    return address.digest
