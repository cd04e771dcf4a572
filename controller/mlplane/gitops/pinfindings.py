"""What is wrong with the pins of manifests: never locked, or outgrown by their own repository.

Called by ``gitops.validate`` with documents whose schema is right.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlplane.api.meta import Body
from mlplane.errors import Terminal
from mlplane.gitops import git
from mlplane.gitops.findings import Finding, at
from mlplane.gitops.lock import Content, own_identities, stale
from mlplane.gitops.manifest import Document, FieldPath
from mlplane.gitops.pins import UNPINNED, identity
from mlplane.gitops.runmanifests import superseded


class _Pin(NamedTuple):
    """A git source of a document."""

    document: Document
    path: FieldPath
    """The field that holds the commit."""
    url: str
    content: Content


def unpinned_findings(document: Document) -> Iterator[Finding]:
    """Sources that no commit was ever written for."""
    for pin in _pins_of(document):
        if pin.content.commit == UNPINNED:
            message = f"{pin.content.path} is not pinned to a commit yet"
            yield at(document, pin.path, message, suggestion="mlplane lock --commit")


def stale_findings(documents: Sequence[Document]) -> Iterator[Finding]:
    """Sources in the documents' own repositories that have changed since they were pinned. Runs git.

    Not those of runs after which their model has a newer one: they stay what was trained.
    """
    runs = [document.body for document in documents if document.body["kind"] == "TrainingRun"]
    records = superseded((run["metadata"]["name"], run["spec"]["model"]) for run in runs)
    present = [
        document
        for document in documents
        if document.body["kind"] != "TrainingRun" or document.body["metadata"]["name"] not in records
    ]
    pins = [pin for document in present for pin in _pins_of(document) if pin.content.commit != UNPINNED]
    try:
        for root, its_pins in _by_repository(pins).items():
            yield from _of_repository(root, its_pins)
    except Terminal as error:
        yield at(pins[0].document, pins[0].path, str(error))


def _by_repository(pins: Sequence[_Pin]) -> dict[Path, list[_Pin]]:
    """The pins by the repository that their files lie in; without those that lie in none."""
    folders: dict[Path, list[_Pin]] = {}
    for pin in pins:
        folders.setdefault(Path(pin.document.file).parent, []).append(pin)
    repositories: dict[Path, list[_Pin]] = {}
    for folder, its_pins in folders.items():
        if root := git.root(folder):
            repositories.setdefault(root, []).extend(its_pins)
    return repositories


def _of_repository(root: Path, pins: Sequence[_Pin]) -> Iterator[Finding]:
    own = own_identities(root)
    mine = [pin for pin in pins if identity(pin.url) in own]
    problems = stale(root, {pin.content for pin in mine})
    for pin in mine:
        if problem := problems.get(pin.content):
            yield at(pin.document, pin.path, problem)


def _pins_of(document: Document) -> Iterator[_Pin]:
    for path, source in _git_sources(document.body["spec"], ("spec",)):
        content = Content(source["path"], source["commit"])
        yield _Pin(document, (*path, "commit"), source["url"], content)


def _git_sources(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Body]]:
    """Every place in an object that names a path of a git repository."""
    for name, child in value.items() if isinstance(value, dict) else ():
        if name == "git":
            yield (*path, name), child
        else:
            yield from _git_sources(child, (*path, name))
