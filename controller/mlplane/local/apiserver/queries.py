"""Query parameters, read as the real server reads them. Pure."""

import re
from collections.abc import Mapping

from mlplane.local.apiserver.statuses import bad_request

Query = Mapping[str, str]

_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")


def flag(query: Query, name: str) -> bool:
    """A parameter that is true or not; whatever is not ``false`` or ``0`` is true, even nothing."""
    value = query.get(name)
    return value is not None and value.lower() not in ("false", "0")


def optional_flag(query: Query, name: str) -> bool | None:
    """The same, with None for a parameter that is missing."""
    return flag(query, name) if name in query else None


def number(query: Query, name: str) -> int | None:
    """A whole number; None for a parameter that is missing.

    Raises:
        ApiError: 400 if it is none.
    """
    text = query.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
