"""What can only be seen across files: objects given twice, and references between objects. Pure.

A missing object is a warning, because files may be applied in any order and what waits converges. Called by
``gitops.validate`` with documents whose schema is right.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlplane.api.dataset import DatasetSpec
from mlplane.data.layout import columns_of
from mlplane.gitops.findings import Finding, at, closest
from mlplane.gitops.manifest import Document, FieldPath

Key = tuple[str, str, str]
"""Kind, namespace (empty: whichever it is applied to) and name."""


@dataclass(frozen=True)
class Others:
    """The objects that references may lead to."""

    index: Mapping[Key, Document]
    unsound: Collection[tuple[str, str]]

    def beside(self, document: Document, kind: str, name: str) -> Document | None:
        """The object of that name in the document's namespace."""
        return self.index.get((kind, key_of(document)[1], name))


def duplicate_findings(documents: Sequence[Document]) -> Iterator[Finding]:
    """An object that more than one file defines."""
    first: dict[Key, Document] = {}
    for document in documents:
        key = key_of(document)
        if key in first:
            where = f"{first[key].file}:{first[key].line}"
            message = f"{key[0]} {key[2]} is defined a second time; the first is at {where}"
            yield at(document, ("metadata", "name"), message)
        first.setdefault(key, document)


def reference_findings(
    documents: Sequence[Document], unsound: Collection[tuple[str, str]] = ()
) -> Iterator[Finding]:
    """References that lead nowhere, or to something else than they say.

    Args:
        documents: Objects whose schema is right.
        unsound: Kind and name of the others: they are there, so they are not called missing.
    """
    others = Others({key_of(document): document for document in documents}, unsound)
    for document in documents:
        match document.body["kind"]:
            case "Dataset":
                yield from _of_dataset(document, others)
            case "TrainingRun":
                yield from _of_run(document, others)
            case "Evaluation":
                yield from _pinned(document, others, ("spec", "modelVersion"))
            case "ModelServer":
                yield from _of_server(document, others)


def key_of(document: Document) -> Key:
    """What the object is called."""
    metadata = document.body["metadata"]
    return (document.body["kind"], metadata.get("namespace") or "", metadata["name"])


def _of_dataset(dataset: Document, others: Others) -> Iterator[Finding]:
    """The Datasets that this one is derived from."""
    for i, reference in enumerate(_parents(dataset)):
        path: FieldPath = ("spec", "derivedFrom", "datasets", i)
        found = others.beside(dataset, "Dataset", reference["name"])
        if found is None:
            yield from _absent(dataset, others, (*path, "name"), "Dataset", reference["name"])
            continue
        pinned = found.body["spec"].get("digest")
        if pinned and reference.get("digest") not in (None, pinned):
            message = f"Dataset {reference['name']} is pinned to another digest"
            yield at(dataset, (*path, "digest"), message, suggestion=pinned)
        if dataset.body["metadata"]["name"] in _ancestors(found, others):
            message = f"Dataset {reference['name']} is derived from this one: neither would ever be ready"
            yield at(dataset, (*path, "name"), message)


def _parents(dataset: Document) -> list[dict[str, str]]:
    found: list[dict[str, str]] = dataset.body["spec"].get("derivedFrom", {}).get("datasets", [])
    return found


def _ancestors(dataset: Document, others: Others) -> set[str]:
    """Names of the Datasets that one is derived from, directly or not."""
    known: set[str] = set()
    wanted = [reference["name"] for reference in _parents(dataset)]
    while wanted:
        name = wanted.pop()
        found = None if name in known else others.beside(dataset, "Dataset", name)
        known.add(name)
        wanted += [reference["name"] for reference in _parents(found)] if found else []
    return known


def _of_run(run: Document, others: Others) -> Iterator[Finding]:
    spec = run.body["spec"]
    dataset = others.beside(run, "Dataset", spec["dataset"]["name"])
    if dataset is None:
        yield from _absent(run, others, ("spec", "dataset", "name"), "Dataset", spec["dataset"]["name"])
        return
    found = DatasetSpec.model_validate(dataset.body["spec"])
    for field, listed, entries in (
        ("split", "splits", found.splits),
        ("label", "columns", columns_of(found)),
    ):
        name = spec["evaluation"][field]
        names = [entry.name for entry in entries]
        if name not in names:
            message = f"Dataset {dataset.body['metadata']['name']} has no {name} among its {listed}"
            path = ("spec", "evaluation", field)
            yield at(run, path, message, allowed=names, suggestion=closest(name, names))


def _of_server(server: Document, others: Others) -> Iterator[Finding]:
    spec = server.body["spec"]
    if "modelVersion" in spec:
        yield from _pinned(server, others, ("spec", "modelVersion"))
    elif "follow" in spec and not any(kind == "TrainingRun" for kind, _ in others.unsound):
        model, namespace = spec["follow"]["model"], key_of(server)[1]
        models = {d.body["spec"].get("model") for (_, at_, _), d in others.index.items() if at_ == namespace}
        if model not in models:
            message = f"nothing among these files makes a version of model {model}; it will wait for one"
            near = closest(model, filter(None, models))
            yield at(server, ("spec", "follow", "model"), message, severity="warning", suggestion=near)


def _pinned(document: Document, others: Others, path: FieldPath) -> Iterator[Finding]:
    """A reference to a ModelVersion that also says its digest."""
    reference = document.body["spec"][path[-1]]
    found = others.beside(document, "ModelVersion", reference["name"])
    if found is None:
        yield from _absent(document, others, (*path, "name"), "ModelVersion", reference["name"])
    elif found.body["spec"]["artifact"]["digest"] != reference["digest"]:
        digest = found.body["spec"]["artifact"]["digest"]
        message = f"ModelVersion {reference['name']} has another digest"
        yield at(document, (*path, "digest"), message, suggestion=digest)


def _absent(document: Document, others: Others, path: FieldPath, kind: str, name: str) -> Iterator[Finding]:
    if (kind, name) in others.unsound:
        return
    near = closest(name, [other for (what, _, other) in others.index if what == kind])
    message = f"{kind} {name} is not among these files; {document.body['kind']} will wait until it exists"
    yield at(document, path, message, severity="warning", suggestion=near)
