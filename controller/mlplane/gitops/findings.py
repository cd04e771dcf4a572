"""What a check found in a manifest: where, what and what to do. Pure."""

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mlplane.gitops.manifest import Document, FieldPath, visible

Check = Literal["schema", "reference", "pinned", "policy"]
"""What found it: the object by itself, its references, whether it is pinned, what is allowed where."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that a person should know."""

    file: str
    line: int
    column: int
    path: str
    """The field, such as ``spec.splits[1].percent``; empty where the file itself is meant."""
    message: str
    severity: Literal["error", "warning"] = "error"
    allowed: tuple[str, ...] = ()
    """What may stand there instead, if that is a short list."""
    suggestion: str = ""
    """What to write or to run, if there is a good guess."""
    check: Check = "schema"

    @property
    def sentence(self) -> str:
        """All that is said but the place, as one line, whatever the manifest has for a name."""
        what = f"{self.path}: {self.message}" if self.path else self.message
        allowed = f"; allowed: {', '.join(self.allowed)}" if self.allowed else ""
        suggestion = f"; try: {self.suggestion}" if self.suggestion else ""
        return visible(f"{what}{allowed}{suggestion}")

    def __str__(self) -> str:
        """The finding as one line, for a log or a record."""
        return f"{visible(self.file)}:{self.line}:{self.column}: {self.sentence}"


def at(
    document: Document,
    path: FieldPath,
    message: str,
    *,
    key: bool = False,
    severity: Literal["error", "warning"] = "error",
    allowed: Iterable[str] = (),
    suggestion: str = "",
) -> Finding:
    """A finding about a field of a document.

    Args:
        document: The object.
        path: The field; one that is missing is placed at the nearest that is there.
        message: One sentence or less.
        key: Whether the name of the field is meant, and not its value.
        severity: Whether it keeps the object from being applied.
        allowed: What may stand there instead.
        suggestion: What to write or to run.
    """
    position = document.position(path, key=key)
    return Finding(
        document.file,
        position.line,
        position.column,
        path_text(path),
        message,
        severity,
        tuple(allowed),
        suggestion,
    )


def of_check(check: Check, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, as those of a check."""
    return (replace(finding, check=check) for finding in findings)


def unknown_field(document: Document, path: FieldPath, known: Iterable[str]) -> Finding:
    """A field that does not exist where it stands."""
    name, names = str(path[-1]), tuple(known)
    message = f"there is no field {json.dumps(name, ensure_ascii=False)} here"
    return at(document, path, message, key=True, allowed=names, suggestion=closest(name, names))


def path_text(path: FieldPath) -> str:
    """A path as people write it: ``spec.splits[1].percent``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def closest(word: str, candidates: Iterable[str]) -> str:
    """The candidate that was probably meant; empty if none is near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""
