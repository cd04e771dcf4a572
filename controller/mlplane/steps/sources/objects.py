"""What S3 and Google Cloud Storage have in common: keys that are paths by convention only. Pure."""

from mlplane.errors import InvalidInput

RANGE = 8 << 20
"""Bytes that are asked for at a time."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key`` or ``gs://bucket/key``."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def below(key: str, prefix: str, size: int) -> str:
    """The path of an object relative to a prefix; empty for what only stands for a folder.

    Raises:
        InvalidInput: the server lists an object that is not below the prefix.
    """
    if not key.startswith(prefix):
        raise InvalidInput(f"the server lists {key[:200]!r}, which is not below {prefix!r}")
    if size == 0 and key.endswith("/"):
        return ""
    return key[len(prefix) :]
