"""Files of a dataset on a Hugging Face hub, at a commit.

The client of ``huggingface_hub`` lists; the files come over https like any other, so that redirects to the
hub's storage are judged, and the token goes to the hub alone. Which hub is the operator's choice
(``HF_ENDPOINT``), never that of a manifest.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlplane import names
from mlplane.api.datasource import HfSource
from mlplane.errors import InvalidInput, MlplaneError, Terminal, Transient
from mlplane.steps.sources.found import Access, Found
from mlplane.steps.sources.https import read_url

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

ENDPOINT = "https://huggingface.co"


def find_hub(source: HfSource, access: Access) -> Iterator[Found]:
    """The file, or all files below the directory."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile, RepoFolder

    endpoint = (os.environ.get(names.HF_ENDPOINT_ENV) or ENDPOINT).rstrip("/")
    token = access.secrets.get("HF_TOKEN")
    api = HfApi(endpoint=endpoint, token=token or False)
    place: dict[str, Any] = {"repo_id": source.repo, "revision": source.revision, "repo_type": "dataset"}
    with _errors_of(source):
        there = api.get_paths_info(paths=[source.path], **place)
        if not there:
            raise InvalidInput(f"{_name(source)} has no {source.path}; correct spec.source.hf.path")
        listing: Iterable[RepoFile | RepoFolder] = there
        prefix = source.path.rpartition("/")[0]
        if isinstance(there[0], RepoFolder):
            prefix = source.path
            listing = api.list_repo_tree(path_in_repo=prefix, recursive=True, **place)
        for each in listing:
            if isinstance(each, RepoFile):
                yield _found(source, endpoint, each, prefix, access)


def _found(source: HfSource, endpoint: str, file: "RepoFile", prefix: str, access: Access) -> Found:
    from huggingface_hub import hf_hub_url

    if prefix and not file.path.startswith(f"{prefix}/"):
        raise InvalidInput(f"the hub lists {file.path[:200]!r}, which is not below {prefix!r}")
    url = hf_hub_url(source.repo, file.path, repo_type="dataset", revision=source.revision, endpoint=endpoint)
    token = access.secrets.get("HF_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    schemes = "https http" if endpoint.startswith("http://") else "https"
    path = file.path[len(prefix) :].removeprefix("/")
    return Found(path, file.size, lambda: read_url(url, headers, access, schemes=schemes))


@contextmanager
def _errors_of(source: HfSource) -> Iterator[None]:
    import httpx2
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        yield
    except MlplaneError:
        raise
    except GatedRepoError as error:
        raise Terminal(f"{_name(source)} asks for a token with access; {_ADVICE}") from error
    except RepositoryNotFoundError as error:
        raise Terminal(f"{_name(source)} is not there, or is private; {_ADVICE}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise Terminal(f"{_name(source)} may not be read; {_ADVICE}") from error
        if status == 429 or status >= 500:
            raise Transient(f"the hub answers {status} for {_name(source)}") from error
        raise InvalidInput(f"the hub answers {status} for {_name(source)}; is the commit right?") from error
    except (httpx2.TransportError, OSError) as error:
        raise Transient(f"the hub fails for {_name(source)}: {str(error)[:300]}") from error


_ADVICE = "correct spec.source.hf.repo, or name a Secret with HF_TOKEN in spec.source.secretRef"


def _name(source: HfSource) -> str:
    return f"dataset {source.repo} at commit {source.revision}"
