"""Datasets of a Hugging Face hub in manifests, and the commits that they are pinned to.

A manifest that was never locked names zeros; ``mlplane lock`` writes the commit that the hub's main branch is
at. One that is pinned stays so: other people's commits are not taken up unasked. Called by ``gitops.lock``.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mlplane import names
from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.pins import UNPINNED, Scalar, child, composed, scalar, value

BRANCH = "main"


@dataclass(frozen=True)
class HubPin:
    """An ``hf:`` source of a manifest that is not pinned yet."""

    kind: str
    name: str
    repo: str
    revision: Scalar


def hub_pins(text: str, file: str) -> list[HubPin]:
    """The sources of a hub whose revision is all zeros.

    Raises:
        InvalidInput: The text is no YAML.
    """
    if "hf:" not in text or UNPINNED not in text:
        return []
    return [pin for document in composed(text, file) for pin in _of_document(document, text)]


def head_of(repo: str) -> str:
    """The commit that the main branch of a dataset is at; asks the hub (``HF_ENDPOINT``, ``HF_TOKEN``).

    Raises:
        InvalidInput: The hub has no such dataset.
        Terminal: It cannot be asked.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    api = HfApi(
        endpoint=os.environ.get(names.HF_ENDPOINT_ENV) or None, token=os.environ.get("HF_TOKEN") or False
    )
    try:
        commit = api.dataset_info(repo, revision=BRANCH).sha
    except RepositoryNotFoundError as error:
        raise InvalidInput(f"the hub has no dataset {repo}, or HF_TOKEN may not read it") from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise Terminal(f"the hub was asked for dataset {repo}, and failed: {type(error).__name__}") from error
    if not commit:
        raise Terminal(f"the hub names no commit of dataset {repo}")
    return str(commit)


def _of_document(document: yaml.Node, text: str) -> Iterator[HubPin]:
    source = child(child(child(document, "spec"), "source"), "hf")
    revision = scalar(child(source, "revision"), text)
    repo = value(child(source, "repo"))
    if revision and revision.value == UNPINNED and repo:
        name = value(child(child(document, "metadata"), "name"))
        yield HubPin(value(child(document, "kind")), name, repo, revision)
