"""Reads an operator's profile from a file; what is wrong with it is said with file, line, column and field.

Called where a profile comes in: by the controller, ``mlplane up`` and ``mlplane validate``.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mlplane.capacity import Pool, Profile, Toleration
from mlplane.errors import InvalidInput
from mlplane.gitops.explain import path_in
from mlplane.gitops.findings import Finding, at, unknown_field
from mlplane.gitops.manifest import MAX_CHARACTERS, Document, FieldPath, load


def read_profile(path: Path) -> Profile:
    """The profile in a YAML file; the empty one if the file holds nothing.

    Raises:
        InvalidInput: There is no such file, or it holds no profile; names all that is wrong with it.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInput(f"the profile {path} cannot be read: {why}") from error
    documents = load(text, str(path))
    if not documents:
        return Profile()
    try:
        return Profile.model_validate_json(json.dumps(documents[0].body), strict=True)
    except ValidationError as error:
        found = [_finding(documents[0], entry) for entry in error.errors(include_url=False)]
        raise InvalidInput("\n".join(map(str, found))) from None


def _finding(document: Document, entry: Any) -> Finding:
    path = path_in(document.body, entry["loc"], entry["type"])
    if entry["type"] == "extra_forbidden":
        return unknown_field(document, path, _fields_at(path[:-1]))
    message = "is missing" if entry["type"] == "missing" else entry["msg"].removeprefix("Value error, ")
    found = entry["input"]
    shown = f" (found {json.dumps(found)[:80]})" if isinstance(found, str | int | float) else ""
    return at(document, path, message + shown)


def _fields_at(path: FieldPath) -> list[str]:
    """Names of the fields that may stand where an unknown one does."""
    depth: list[type[BaseModel]] = [Profile, Pool, Toleration]
    model = depth[sum(isinstance(step, int) for step in path)]
    return [field.alias or name for name, field in model.model_fields.items()]
