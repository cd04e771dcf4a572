"""Objects of an S3 bucket, through s3fs.

Without a Secret the bucket is read without credentials: never with those of the pod, which are for the store.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlplane.api.datasource import S3Source
from mlplane.errors import InvalidInput, MlplaneError, Terminal, Transient
from mlplane.steps.sources.found import Access, Found
from mlplane.steps.sources.objects import RANGE, below, split_uri
from mlplane.store.digest import CHUNK

_DENIED = frozenset(
    {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
)
_MISSING = frozenset({"404", "NoSuchBucket", "NoSuchKey", "NotFound"})


def find_s3(source: S3Source, access: Access) -> Iterator[Found]:
    """The object, or all objects below the prefix."""
    bucket, key = split_uri(source.uri)
    if source.endpoint:
        _check_endpoint(source.endpoint, access)
    with _errors_of(source.uri):
        filesystem = _filesystem(source, access)
    if key.endswith("/"):
        yield from _below(filesystem, source.uri, bucket, key)
        return
    with _errors_of(source.uri):
        head = filesystem.call_s3("head_object", Bucket=bucket, Key=key)
    yield _found(filesystem, source.uri, bucket, key, key.rpartition("/")[2], head)


def _below(filesystem: Any, uri: str, bucket: str, prefix: str) -> Iterator[Found]:
    """Page by page, so that a bucket of any size costs no more than the files that are taken."""
    more: dict[str, str] = {}
    while True:
        with _errors_of(uri):
            page = filesystem.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **more)
        for each in page.get("Contents", ()):
            if path := below(each["Key"], prefix, each["Size"]):
                yield _found(filesystem, uri, bucket, each["Key"], path, each)
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _found(filesystem: Any, uri: str, bucket: str, key: str, path: str, facts: Any) -> Found:
    size = int(facts.get("Size", facts.get("ContentLength")))

    def read() -> Iterator[bytes]:
        """In ranges of one and the same object, so that no two states of it are mixed."""
        for start in range(0, size, RANGE):
            end = min(start + RANGE, size) - 1
            with _errors_of(uri):
                answer = filesystem.call_s3(
                    "get_object", Bucket=bucket, Key=key, Range=f"bytes={start}-{end}", IfMatch=facts["ETag"]
                )
                yield _read(filesystem, answer["Body"], end - start + 1, uri)

    return Found(path, size, read)


def _read(filesystem: Any, body: Any, most: int, uri: str) -> bytes:
    """A range, and no more of it than was asked for, whatever the server sends."""
    from fsspec.asyn import sync

    async def received() -> bytes:
        content = bytearray()
        while len(content) <= most and (chunk := await body.read(CHUNK)):
            content += chunk
        return bytes(content)

    found: bytes = sync(filesystem.loop, received)
    if len(found) > most:
        body.close()
        raise InvalidInput(f"the server of {uri} sends more than {most} bytes that it was asked for")
    return found


def _filesystem(source: S3Source, access: Access) -> Any:
    from s3fs import S3FileSystem

    secrets = access.secrets
    return S3FileSystem(
        anon="AWS_ACCESS_KEY_ID" not in secrets,
        key=secrets.get("AWS_ACCESS_KEY_ID"),
        secret=secrets.get("AWS_SECRET_ACCESS_KEY"),
        token=secrets.get("AWS_SESSION_TOKEN"),
        endpoint_url=source.endpoint,
        client_kwargs={"region_name": source.region or "us-east-1"},
        config_kwargs={"connect_timeout": 20, "read_timeout": 60, "retries": {"max_attempts": 2}},
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _check_endpoint(endpoint: str, access: Access) -> None:
    scheme, _, server = endpoint.partition("://")
    host, _, port = server.partition(":")
    access.policy.check_host(host, int(port or (443 if scheme == "https" else 80)))


@contextmanager
def _errors_of(uri: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except MlplaneError:
        raise
    except FileNotFoundError as error:
        raise InvalidInput(f"{uri} is not there; correct spec.source.s3.uri") from error
    except PermissionError as error:
        raise Terminal(_denied(uri)) from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _DENIED:
            raise Terminal(_denied(uri)) from error
        if code in _MISSING:
            raise InvalidInput(f"{uri} is not there; correct spec.source.s3.uri") from error
        raise Transient(f"the server of {uri} answers {code[:80]}") from error
    except (BotoCoreError, OSError) as error:
        raise Transient(f"the server of {uri} fails: {error}") from error


def _denied(uri: str) -> str:
    return (
        f"{uri} may not be read with these credentials; see spec.source.secretRef (AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY)"
    )
