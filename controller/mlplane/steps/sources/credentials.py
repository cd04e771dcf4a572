"""The credentials of a source, from the environment of the step that reads; and keeping them out of words."""

import re
from collections.abc import Mapping

from mlplane import names
from mlplane.api.datasource import SECRET_KEYS, DataSource
from mlplane.errors import InvalidInput

_PLAIN = re.compile(r"[!-~]+")
_SENT = {"GIT_TOKEN", "HF_TOKEN", "HTTPS_TOKEN"} | set(SECRET_KEYS["s3"])
"""Keys whose values are sent as they are."""


def secrets_of(source: DataSource, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of the source's Secret, by key; only the keys that are for this kind of source.

    A line end after a value is not part of it: files and editors leave one there.

    Raises:
        InvalidInput: a Secret is named, and it has none of them, or one that cannot be sent.
    """
    if source.secret_ref is None:
        return {}
    keys = SECRET_KEYS[source.kind]
    found = {
        key: value
        for key in keys
        if (value := environment.get(names.SECRET_ENV_PREFIX + key, "").rstrip("\r\n"))
    }
    if not found:
        wanted = (
            f"none of the keys {', '.join(keys)}" if keys else "no use: such a source takes no credentials"
        )
        raise InvalidInput(
            f"the Secret {source.secret_ref.name!r} of spec.source.secretRef is not there, or has {wanted}"
        )
    for key, value in found.items():
        if key in _SENT and not _PLAIN.fullmatch(value):
            # Who puts it into a header refuses it, and says so with the value in other letters.
            raise InvalidInput(
                f"{key} of the Secret {source.secret_ref.name!r} of spec.source.secretRef has a space, a "
                "line end or a letter that is not ASCII in it; write the credential alone, on one line"
            )
    return found


def without(secrets: Mapping[str, str], text: str) -> str:
    """A text in which no value of a secret stands, whoever wrote it."""
    for value in sorted(secrets.values(), key=len, reverse=True):
        text = text.replace(value, "***")
    return text
