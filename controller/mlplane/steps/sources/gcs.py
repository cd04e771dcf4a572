"""Objects of a Google Cloud Storage bucket, through gcsfs.

Without a Secret the bucket is read without credentials: never with those of the pod, which are for the store.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlplane.api.datasource import GcsSource
from mlplane.errors import InvalidInput, MlplaneError, Terminal, Transient
from mlplane.steps.sources.found import Access, Found
from mlplane.steps.sources.objects import RANGE, below, split_uri

_KEY = "GOOGLE_APPLICATION_CREDENTIALS_JSON"
_KEY_TYPES = ("service_account", "authorized_user")
"""Keys that are nothing but a key: others name programs to run and files to read."""


def find_gcs(source: GcsSource, access: Access) -> Iterator[Found]:
    """The object, or all objects below the prefix."""
    bucket, key = split_uri(source.uri)
    with _errors_of(source.uri):
        filesystem = _filesystem(access)
    if key.endswith("/"):
        yield from _below(filesystem, source.uri, bucket, key)
        return
    with _errors_of(source.uri):
        facts = filesystem.call("GET", "b/{}/o/{}", bucket, key, json_out=True)
    yield _found(filesystem, source.uri, bucket, key.rpartition("/")[2], facts)


def _below(filesystem: Any, uri: str, bucket: str, prefix: str) -> Iterator[Found]:
    more: dict[str, str] = {}
    while True:
        with _errors_of(uri):
            page = filesystem.call("GET", "b/{}/o", bucket, prefix=prefix, json_out=True, **more)
        for each in page.get("items", ()):
            if path := below(each["name"], prefix, int(each["size"])):
                yield _found(filesystem, uri, bucket, path, each)
        if not page.get("nextPageToken"):
            return
        more = {"pageToken": page["nextPageToken"]}


def _found(filesystem: Any, uri: str, bucket: str, path: str, facts: Any) -> Found:
    size = int(facts["size"])

    def read() -> Iterator[bytes]:
        """In ranges of one generation of the object, so that no two states of it are mixed."""
        for start in range(0, size, RANGE):
            end = min(start + RANGE, size) - 1
            with _errors_of(uri):
                _, content = filesystem.call(
                    "GET",
                    "b/{}/o/{}",
                    bucket,
                    facts["name"],
                    headers={"Range": f"bytes={start}-{end}"},
                    alt="media",
                    generation=facts["generation"],
                )
                yield content

    return Found(path, size, read)


def _filesystem(access: Access) -> Any:
    from gcsfs import GCSFileSystem

    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs what it raises, with all it knows
    return GCSFileSystem(
        token=_key(access.secrets[_KEY]) if _KEY in access.secrets else "anon",
        access="read_only",
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _key(text: str) -> dict[str, Any]:
    try:
        key = json.loads(text)
    except ValueError:
        key = None
    if not isinstance(key, dict) or key.get("type") not in _KEY_TYPES:
        raise InvalidInput(
            f"{_KEY} of the Secret is not a JSON key of the types {' and '.join(_KEY_TYPES)}; "
            "see spec.source.secretRef"
        )
    return key


@contextmanager
def _errors_of(uri: str) -> Iterator[None]:
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except MlplaneError:
        raise
    except FileNotFoundError as error:
        raise InvalidInput(f"{uri} is not there; correct spec.source.gs.uri") from error
    except FileExistsError as error:  # what gcsfs makes of a precondition that failed
        raise Transient(f"{uri} changed while it was read") from error
    except GoogleAuthError as error:
        raise (Transient if error.retryable else Terminal)(_denied(uri)) from error
    except (HttpError, OSError, ValueError) as error:
        if str(error).startswith("Forbidden") or getattr(error, "code", None) in (401, 403):
            raise Terminal(_denied(uri)) from error
        raise Transient(f"the server of {uri} fails: {str(error)[:300]}") from error


def _denied(uri: str) -> str:
    return f"{uri} may not be read with these credentials; see spec.source.secretRef ({_KEY})"
