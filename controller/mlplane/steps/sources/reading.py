"""A source becomes a folder of files: the one entry point of this package."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlplane.api.datasource import DataSource
from mlplane.data.rawfiles import RawFiles, is_archive
from mlplane.errors import MlplaneError
from mlplane.steps.sources.archives import unpack
from mlplane.steps.sources.credentials import secrets_of, without
from mlplane.steps.sources.found import Access, Found
from mlplane.steps.sources.gcs import find_gcs
from mlplane.steps.sources.gitfiles import find_git
from mlplane.steps.sources.guard import guarded
from mlplane.steps.sources.https import find_https
from mlplane.steps.sources.hub import find_hub
from mlplane.steps.sources.policy import Policy
from mlplane.steps.sources.s3 import find_s3
from mlplane.steps.sources.stored import find_stored
from mlplane.steps.sources.volume import find_volume
from mlplane.steps.sources.writing import Writing
from mlplane.store.artifacts import Store

DEFAULT_MAX_SIZE = "1Gi"
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_FINDERS: dict[str, Callable[[Any, Access], Iterator[Found]]] = {
    "git": find_git,
    "s3": find_s3,
    "gs": find_gcs,
    "https": find_https,
    "hf": find_hub,
    "pvc": find_volume,
}


def fetch_raw(source: DataSource, store: Store, directory: Path, policy: Policy) -> RawFiles:
    """Read all files of a source into a directory; one archive is unpacked.

    Args:
        source: Where the bytes are. Its credentials are taken from the environment.
        store: For sources of the kind ``store``.
        directory: Where to; made anew.
        policy: Which servers may be read from.

    Raises:
        InvalidInput: the source is not there, is refused, or is larger than it may be.
        Terminal: a server may not be read with these credentials.
        Transient: the network or a server fails, also after some tries.
    """
    secrets = secrets_of(source, os.environ)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        with tempfile.TemporaryDirectory(dir=directory.parent) as work:
            access = Access(policy, secrets, Path(work), bytes_of(source.max_size or DEFAULT_MAX_SIZE))
            return _unpacked(_read(source, store, directory, access), access)
    except MlplaneError as error:
        raise type(error)(without(secrets, str(error))) from error


def bytes_of(quantity: str) -> int:
    """A number of bytes as Kubernetes writes it: ``500Mi``."""
    return int(quantity.rstrip("KMGTi")) * _UNITS.get(quantity[-2:], 1)


def _read(source: DataSource, store: Store, directory: Path, access: Access) -> RawFiles:
    writing = Writing(directory, access.max_bytes)
    if source.store is not None:  # the operator's own, wherever it is
        return writing.add_all(find_stored(source.store, store, access.work))
    found = _FINDERS[source.kind](getattr(source, source.kind), access)
    with guarded(access.policy):
        return writing.add_all(found)


def _unpacked(raw: RawFiles, access: Access) -> RawFiles:
    """What is in the source's only file, if that is an archive; a file or a folder may have been named."""
    if len(raw.entries) != 1 or not is_archive(raw.entries[0].path):
        return raw
    archive = access.work / "archive"
    raw.path_of(raw.entries[0]).replace(archive)
    shutil.rmtree(raw.directory)
    raw.directory.mkdir()
    return unpack(archive, raw.entries[0].path, raw.directory, access.max_bytes)
