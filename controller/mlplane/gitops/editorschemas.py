"""Schemas for editors: files of a repository, and the comment by which a manifest names its own.

An editor with the YAML language server reads the comment, wherever the repository lies and with no network.
Pure. Called by ``gitops.scaffold`` and ``cli.schema``.
"""

import json
import re
from pathlib import PurePosixPath

from mlplane.api import KINDS
from mlplane.api.meta import Body
from mlplane.api.promotion import Promotion
from mlplane.schema.jsonschema import json_schema_for, promotion_schema

FOLDER = "schemas"
_KIND = re.compile(r"^kind: *(\w+)", re.MULTILINE)


def schemas() -> dict[str, Body]:
    """The schema of each kind that stands in a repository, by the name of the kind."""
    return {name: json_schema_for(kind) for name, kind in KINDS.items()} | {
        Promotion.__name__: promotion_schema()
    }


def schema_files() -> dict[str, str]:
    """Path in a repository to content, as ``mlplane schema KIND`` prints it."""
    return {_file(name): json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def with_schema(text: str, file: PurePosixPath) -> str:
    """A manifest with a first line that names its schema; any other text as it is.

    Args:
        text: Content of the file.
        file: Its path in the repository.
    """
    kind = _KIND.search(text)
    if not kind or kind[1] not in (*KINDS, Promotion.__name__):
        return text
    up = "../" * len(file.parent.parts)
    return f"# yaml-language-server: $schema={up}{_file(kind[1])}\n{text}"


def _file(kind: str) -> str:
    return f"{FOLDER}/{kind.lower()}.json"
