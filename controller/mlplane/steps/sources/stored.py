"""Files of an artifact in the store, such as `mlplane push` puts there."""

from collections.abc import Iterator
from pathlib import Path

from mlplane.api.datasource import StoreSource
from mlplane.errors import InvalidInput, Terminal
from mlplane.steps.sources.found import Found
from mlplane.store.artifacts import Store
from mlplane.store.digest import CHUNK, FileEntry


def find_stored(source: StoreSource, store: Store, work: Path) -> Iterator[Found]:
    """All files of the artifact, each verified as it is copied."""
    try:
        manifest = store.manifest(source.uri)
    except Terminal as error:
        raise InvalidInput(f"{error}; `mlplane push` prints the URI of what it stores") from error
    for entry in manifest.files:
        yield _found(source, store, entry, work)


def _found(source: StoreSource, store: Store, entry: FileEntry, work: Path) -> Found:
    def read() -> Iterator[bytes]:
        store.get(source.uri, work, only={entry.path})
        copy = work / entry.path
        with copy.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
        copy.unlink()

    return Found(entry.path, entry.size, read)
