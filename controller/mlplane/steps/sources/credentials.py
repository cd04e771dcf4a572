"""The credentials of a source, from the environment of the step that reads; and keeping them out of words."""

import os
from collections.abc import Mapping

from mlplane import names
from mlplane.api.datasource import SECRET_KEYS, DataSource
from mlplane.errors import InvalidInput


def secrets_of(source: DataSource, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The values of the source's Secret, by key; only the keys that are for this kind of source.

    Raises:
        InvalidInput: a Secret is named, and it has none of them.
    """
    if source.secret_ref is None:
        return {}
    keys = SECRET_KEYS[source.kind]
    found = {
        key: environment[names.SECRET_ENV_PREFIX + key]
        for key in keys
        if environment.get(names.SECRET_ENV_PREFIX + key)
    }
    if not found:
        wanted = (
            f"none of the keys {', '.join(keys)}" if keys else "no use: such a source takes no credentials"
        )
        raise InvalidInput(
            f"the Secret {source.secret_ref.name!r} of spec.source.secretRef is not there, or has {wanted}"
        )
    return found


def without(secrets: Mapping[str, str], text: str) -> str:
    """A text in which no value of a secret stands, whoever wrote it."""
    for value in sorted(secrets.values(), key=len, reverse=True):
        text = text.replace(value, "***")
    return text
