"""Files as records: each file is one. Called by ``data.reading``."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa

from mlplane.data.findings import Findings
from mlplane.data.unpacking import RawFile
from mlplane.data.values import Batch, Values
from mlplane.errors import InvalidInput

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
MAX_FILE = 256 << 20
"""Bytes of a file that becomes one value."""
BATCH_BYTES = 32 << 20


def read_images(files: Sequence[RawFile], findings: Findings) -> Iterator[Batch]:
    """Path, label and bytes of each image; the label is the name of its folder.

    Raises:
        InvalidInput: a file is no image, or does not lie in a folder of the first level.
    """
    for file in files:
        path = PurePosixPath(file.name)
        if len(path.parts) != 2:
            raise InvalidInput(f"{file.name}: an image lies as LABEL/FILE, in a folder named after its label")
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            raise InvalidInput(f"{file.name} is no image by its name; allowed: {', '.join(IMAGE_SUFFIXES)}")
    for part in _parts(files):
        paths = [file.name for file in part]
        labels = [path.partition("/")[0] for path in paths]
        yield _batch(part, [_texts(paths), _texts(labels)], findings)


def read_files(files: Sequence[RawFile], findings: Findings) -> Iterator[Batch]:
    """Path and bytes of each file."""
    for part in _parts(files):
        yield _batch(part, [_texts([file.name for file in part])], findings)


def _parts(files: Sequence[RawFile]) -> Iterator[list[RawFile]]:
    """As many files as fit into memory at a time."""
    part: list[RawFile] = []
    size = 0
    for file in files:
        length = file.path.stat().st_size
        if length > MAX_FILE:
            raise InvalidInput(f"{file.name} has {length} bytes; a file may have {MAX_FILE}")
        if part and size + length > BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(file)
        size += length
    if part:
        yield part


def _texts(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_utf8())


def _batch(part: Sequence[RawFile], texts: list[pa.Array], findings: Findings) -> Batch:
    content = pa.array([file.path.read_bytes() for file in part], pa.large_binary())
    sound = np.zeros(len(part), dtype=np.bool_)
    return Batch(findings.number(len(part)), [Values(array, sound) for array in (*texts, content)])
