"""Files of a git repository at a commit.

Where a repository is really fetched from is the operator's configuration of git. A URL that it leaves as
it is stands in a manifest, so its server is judged, and git is told the address that was judged: it resolves
no name and follows no redirect.
"""

import base64
from collections.abc import Callable, Iterator
from functools import cache, partial
from urllib.parse import urlsplit

from mlplane.api.meta import GitSource
from mlplane.errors import InvalidInput, Transient
from mlplane.steps.gitcommand import TooLarge, run_git
from mlplane.steps.gitrepo import Entry, Repository, fetch
from mlplane.steps.sources.found import Access, Found
from mlplane.steps.sources.policy import addresses_of
from mlplane.store.digest import CHUNK

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_PORTS = {"https": 443, "http": 80, "ssh": 22}


def find_git(source: GitSource, access: Access) -> Iterator[Found]:
    """The file, or all files below the directory."""
    directory = access.work / "repository"
    directory.mkdir()
    settings = _settings(source, access)
    try:
        repository = fetch(source, directory, settings=settings, max_file=access.max_bytes)
    except TooLarge as error:
        raise InvalidInput(
            f"commit {source.commit} of {source.url} has more than {access.max_bytes} bytes in all; "
            "raise spec.source.maxSize, or keep the data in a repository of their own"
        ) from error
    entries = sorted(repository.selected(), key=lambda entry: entry.path)
    offsets = cache(lambda: _unpacked(repository, entries, access))
    for index, entry in enumerate(entries):
        yield Found(entry.path, entry.size, partial(_read, access, entry, offsets, index))


def _unpacked(repository: Repository, entries: list[Entry], access: Access) -> list[int]:
    with (access.work / "blobs").open("wb") as target:
        return repository.write_blobs(entries, target)


def _read(access: Access, entry: Entry, offsets: Callable[[], list[int]], index: int) -> Iterator[bytes]:
    offset = offsets()[index]
    with (access.work / "blobs").open("rb") as stream:
        stream.seek(offset)
        left = entry.size
        while left and (chunk := stream.read(min(CHUNK, left))):
            if left == entry.size and chunk.startswith(_LFS_POINTER):
                raise InvalidInput(f"{entry.path} is a pointer of Git LFS; commit the file itself")
            left -= len(chunk)
            yield chunk


def _settings(source: GitSource, access: Access) -> dict[str, str]:
    """Configuration of git: a judged address, no redirects, and the token for this server alone."""
    url = run_git(access.work, ["ls-remote", "--get-url", source.url]).decode().strip()
    parts = urlsplit(url)
    settings = {"http.followRedirects": "false"}
    if url == source.url:
        try:
            port = parts.port
        except ValueError as error:
            raise InvalidInput(f"spec.source.git.url: {source.url!r} is no address: {error}") from error
        settings |= _judged(parts.scheme, parts.hostname or "", port, access)
    token = access.secrets.get("GIT_TOKEN")
    if token and parts.scheme in ("https", "http"):
        pair = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
        settings[f"http.{origin}.extraHeader"] = f"Authorization: Basic {pair}"
    return settings


def _judged(scheme: str, host: str, port: int | None, access: Access) -> dict[str, str]:
    number = port or _PORTS[scheme]
    access.policy.check_host(host, number)
    addresses = addresses_of(host, number)
    if not addresses:
        raise Transient(f"the name {host} means no address now")
    for address in addresses:
        access.policy.check_address(address, number)
    pinned = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
    return {"http.curloptResolve": f"{host}:{number}:{pinned}", "http.proxy": ""}
