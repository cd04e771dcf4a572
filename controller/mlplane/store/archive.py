"""Whether a model archive (``model.pt2``) can be loaded without running anything that came with it.

``torch.export.load`` unpickles what the archive tells it to: tensors marked ``use_pickle``, custom objects
and sample inputs; and it evaluates parts of the program (see ``store.program``). This module looks at the
bytes first and refuses every archive that has more than an exported program with raw tensors.

Called by ``serving`` before it loads a model, and by the steps that store one. Needs no torch.
"""

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlplane.errors import Terminal
from mlplane.store.program import check_program

_PROGRAM = "models/model.json"
_SAMPLE_INPUTS = "data/sample_inputs/model.pt"
_CONFIGS = {
    "data/weights/model_weights_config.json": re.compile(r"weight_[0-9]+"),
    "data/constants/model_constants_config.json": re.compile(r"tensor_[0-9]+"),
}
"""Lists of tensors, and how the file of each may be named."""
_TENSOR_FILE = re.compile(r"data/(weights/weight|constants/tensor)_[0-9]+")
_MARKERS = frozenset(
    {"archive_format", "archive_version", "byteorder", ".data/version", ".data/serialization_id"}
)
_ROOT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_JSON_LIMIT = 64 * 2**20
"""Bytes; a program of this size has hundreds of thousands of operators."""


def inspect(path: Path) -> None:
    """Refuse an archive that is more than an exported program with raw tensors.

    Args:
        path: The archive.

    Raises:
        Terminal: One sentence with the file, what was found, and what is allowed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            inspect_members(
                {name: info.file_size for name, info in members.items()},
                lambda name: archive.read(members[name]),
            )
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Terminal(f"{path.name} is not a readable model archive: {error}") from error
    except Terminal as error:
        raise Terminal(f"{path.name} {error}") from error


def inspect_members(sizes: Mapping[str, int], read: Callable[[str], bytes]) -> None:
    """The same for an archive that is open already, as another reader sees it.

    Args:
        sizes: Names below the root folder of the archive, and their sizes in bytes.
        read: Gives the content of a member.

    Raises:
        Terminal: What was found and what is allowed.
    """
    for name, size in sizes.items():
        _check_member(name, size)
    if missing := {_PROGRAM, *_CONFIGS} - sizes.keys():
        raise Terminal(f"refused: has no {sorted(missing)[0]}; save it with mlplane.training.save")
    for config, file_name in _CONFIGS.items():
        _check_tensors(config, _json(config, sizes, read), file_name, sizes)
    check_program(_json(_PROGRAM, sizes, read))


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by their name below the one root folder that torch gives an archive."""
    members: dict[str, zipfile.ZipInfo] = {}
    roots = set()
    for info in archive.infolist():
        root, _, name = info.orig_filename.partition("/")
        roots.add(root)
        if not _ROOT.fullmatch(root) or len(roots) > 1:
            raise Terminal(f"refused: member {info.orig_filename[:120]!r}; allowed: one root folder")
        if name in members:
            raise Terminal(f"refused: member {name[:120]!r} stands in the archive twice")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1:
            raise Terminal(
                f"refused: member {name[:120]!r} is compressed or encrypted; allowed: plain members"
            )
        members[name] = info
    return members


def _check_member(name: str, size: int) -> None:
    if name == _SAMPLE_INPUTS:
        if size:
            raise Terminal(f"refused: {name} is a pickle; save the model with mlplane.training.save")
    elif name not in {_PROGRAM, *_CONFIGS, *_MARKERS} and not _TENSOR_FILE.fullmatch(name):
        raise Terminal(f"refused: unknown member {name[:120]!r}; allowed: a program and its raw tensors")
    elif not _TENSOR_FILE.fullmatch(name) and size > _JSON_LIMIT:
        raise Terminal(f"refused: {name} has {size} bytes; allowed: {_JSON_LIMIT}")


def _json(name: str, sizes: Mapping[str, int], read: Callable[[str], bytes]) -> Any:
    content = read(name)
    if len(content) != sizes[name]:
        raise Terminal(f"refused: {name} has {len(content)} bytes and announces {sizes[name]}")
    try:
        return json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Terminal(f"refused: {name} is not JSON that can be checked: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without repeated keys, of which two readers could each see another one."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return document


def _check_tensors(config: str, document: Any, file_name: re.Pattern[str], sizes: Mapping[str, int]) -> None:
    """Every listed tensor must lie as raw bytes in a member of its own kind."""
    tensors = document.get("config") if isinstance(document, dict) else None
    if not isinstance(tensors, dict):
        raise Terminal(f"refused: {config} does not list tensors")
    for name, tensor in tensors.items():
        where = f"{config}: {name[:120]!r}"
        if not isinstance(tensor, dict) or tensor.get("use_pickle") is not False:
            raise Terminal(f"refused: {where} is a pickle; allowed: raw tensors (use_pickle false)")
        file = tensor.get("path_name")
        if not isinstance(file, str) or not file_name.fullmatch(file):
            raise Terminal(f"refused: {where} lies in {str(file)[:120]!r}; allowed: {file_name.pattern}")
        if f"{config.rpartition('/')[0]}/{file}" not in sizes:
            raise Terminal(f"refused: {where} lies in {file!r}, which is not in the archive")
        check_program(tensor)
