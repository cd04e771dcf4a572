"""Reading JSON that others have written, whatever its shape: what is not what it should be counts as absent.

Pure. Used wherever a decision looks into an object of another kind, so that one malformed object never stands
in the way of those that merely read it.
"""

from typing import Any

from mlplane.api.meta import Body


def mapping(value: Any) -> Body:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Body]:
    """The objects in a list; none if it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def at(body: Any, *path: str) -> Any:
    """The value at a path through objects; None where it ends before."""
    for key in path:
        body = mapping(body).get(key)
    return body


def named(body: Body) -> str:
    """The object's name in quotes, for a sentence."""
    return f'"{text(at(body, "metadata", "name")) or "?"}"'
