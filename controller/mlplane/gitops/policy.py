"""What an environment that models are promoted to may hold: only what is pinned, and has been judged. Pure.

Nothing here is wrong with an object by itself; the same manifest may stand in the first environment, where
work is tried. Called by ``gitops.validate`` with documents whose schema is right.
"""

from collections.abc import Iterator, Sequence

from mlplane.api.meta import Body
from mlplane.api.promotion import Environment
from mlplane.gitops.environments import FILE
from mlplane.gitops.findings import Finding, at
from mlplane.gitops.manifest import Document, FieldPath
from mlplane.gitops.references import key_of


def policy_findings(documents: Sequence[Document], environment: Environment) -> Iterator[Finding]:
    """What the documents of an environment hold that does not belong there.

    Args:
        documents: All objects of the environment whose schema is right.
        environment: What ``promotion.yaml`` says of it.
    """
    for document in documents:
        namespace = key_of(document)[1]
        if namespace not in ("", environment.namespace):
            message = f"{environment.name} is applied to namespace {environment.namespace}: leave this out"
            yield at(document, ("metadata", "namespace"), message)
        if document.body["kind"] == "ModelServer":
            yield from _of_server(document, documents, environment)
        elif environment.from_ is not None:
            yield from _unpinned(document, environment)


def _of_server(
    server: Document, documents: Sequence[Document], environment: Environment
) -> Iterator[Finding]:
    spec = server.body["spec"]
    if "follow" in spec:
        if not environment.may_follow:
            message = (
                f"in {environment.name} a ModelServer serves a pinned version, which a promotion brings; "
                f"`follow: Allowed` in {FILE} allows this"
            )
            yield at(server, ("spec", "follow"), message, key=True, suggestion="modelVersion")
    elif environment.from_ is not None:
        yield from _without_evidence(server, documents)


def _without_evidence(server: Document, documents: Sequence[Document]) -> Iterator[Finding]:
    """A pinned version whose record, or whose evaluation, does not stand beside the server."""
    pin = server.body["spec"]["modelVersion"]
    records = [d.body["metadata"]["name"] for d in documents if d.body["kind"] == "ModelVersion"]
    if pin["name"] not in records:
        message = f"the record of ModelVersion {pin['name']} does not stand beside it, as a promotion puts it"
        yield at(server, ("spec", "modelVersion", "name"), message)
        return
    verdicts = {d.body["metadata"]["name"]: _verdict(d.body["spec"], pin) for d in documents if _judges(d)}
    found = {name: verdict for name, verdict in verdicts.items() if verdict}
    if "Passed" not in found.values():
        said = ", ".join(f"{name} is {verdict}" for name, verdict in found.items())
        message = f"no recorded Evaluation beside it says that {pin['name']} has passed"
        where: FieldPath = ("spec", "modelVersion", "digest")
        yield at(server, where, f"{message}: {said}" if said else message)


def _judges(document: Document) -> bool:
    return bool(document.body["kind"] == "Evaluation")


def _verdict(evaluation: Body, pin: Body) -> str:
    """The verdict that an Evaluation has recorded for the very bytes of the pin; empty if it has none."""
    return evaluation["recorded"]["verdict"] if _is_of(evaluation, pin) and "recorded" in evaluation else ""


def _is_of(evaluation: Body, pin: Body) -> bool:
    return all(evaluation["modelVersion"][field] == pin[field] for field in ("name", "digest"))


def _unpinned(document: Document, environment: Environment) -> Iterator[Finding]:
    """Data and code that may be something else tomorrow."""
    spec, kind = document.body["spec"], document.body["kind"]
    missing: list[FieldPath] = []
    if kind == "Dataset" and "git" not in spec.get("source", {"git": {}}) and "digest" not in spec:
        missing.append(("spec", "digest"))
    for index, parent in enumerate(spec.get("derivedFrom", {}).get("datasets", [])):
        if "digest" not in parent:
            missing.append(("spec", "derivedFrom", "datasets", index, "digest"))
    if kind == "Evaluation" and "digest" not in spec["dataset"]:
        missing.append(("spec", "dataset", "digest"))
    for path in missing:
        message = f"{environment.name} takes only data that are pinned by digest"
        yield at(document, path, message, suggestion=f"mlplane lock --digests {document.file}")
    if kind == "TrainingRun" and "@sha256:" not in (image := spec.get("image", "@sha256:")):
        message = f"{environment.name} takes only images that are pinned by digest; {image} may change"
        yield at(document, ("spec", "image"), message, suggestion=f"{image}@sha256:…")
