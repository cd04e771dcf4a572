"""Judge manifests before they are committed, without a cluster and without a network.

What an API server would refuse is an error here, with a line and a column; so is what could only fail later,
such as a pin that was never locked. Called by ``cli.validate`` and by tests of the examples.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.dataset import DatasetSpec
from mlplane.api.meta import Body
from mlplane.data.duetimes import fault_of
from mlplane.data.specproblems import problems
from mlplane.errors import Terminal
from mlplane.gitops import git
from mlplane.gitops.explain import schema_findings
from mlplane.gitops.findings import Finding, at, closest
from mlplane.gitops.gatefindings import gate_findings
from mlplane.gitops.lock import stale
from mlplane.gitops.manifest import MAX_CHARACTERS, Document, FieldPath, ManifestError, load
from mlplane.gitops.pins import UNPINNED
from mlplane.gitops.references import duplicate_findings, reference_findings
from mlplane.schema.crds import structural_schema
from mlplane.structural.causes import ROOT
from mlplane.structural.celrules import Rules, compile_rules

SUFFIXES = (".yaml", ".yml")


def validate(paths: Sequence[Path]) -> list[Finding]:
    """Everything that is wrong with the manifests in files and directories.

    Args:
        paths: Files, and directories that are searched for YAML files. Together they are one environment:
            an object may be defined once in all of them, and references lead from file to file.
    """
    documents, findings = _read_all(paths)
    sound, found = _judged(documents)
    unsound = set(map(_name_of, documents)) - set(map(_name_of, sound))
    findings += found
    findings += reference_findings(sound, unsound)
    findings += _stale_pins(sound)
    return sorted(findings, key=lambda finding: (finding.file, finding.line, finding.column))


def judge(documents: Sequence[Document]) -> list[Finding]:
    """What an API server would refuse in documents that are already read, each by itself and all together.

    A reference to what is not among them is not wrong: on a cluster it is waited for. Called by the agent.
    """
    return _judged(documents)[1]


def _judged(documents: Sequence[Document]) -> tuple[list[Document], list[Finding]]:
    """The documents whose schema is right, and what is wrong with any of them."""
    sound: list[Document] = []
    findings: list[Finding] = []
    for document in documents:
        unsound = list(_kind_findings(document)) or schema_findings(document, document.body["kind"])
        findings += unsound
        if not unsound:
            sound.append(document)
            findings += _content_findings(document)
    return sound, findings + list(duplicate_findings(sound))


def _read_all(paths: Sequence[Path]) -> tuple[list[Document], list[Finding]]:
    documents: list[Document] = []
    findings: list[Finding] = []
    for path in paths:
        files = manifest_files(path)
        if not files:
            findings.append(_of_file(path, "there is no YAML file here"))
        for file in files:
            read_documents, found = read(file)
            documents += read_documents
            findings += found
    return documents, findings


def manifest_files(path: Path) -> list[Path]:
    """The file itself, or the YAML files below a directory, without those in hidden directories."""
    if not path.is_dir():
        return [path]
    found = (file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    return sorted(f for f in found if not any(part.startswith(".") for part in f.relative_to(path).parts))


def read(path: Path) -> tuple[list[Document], list[Finding]]:
    """The document in a file, or why there is none."""
    try:
        if path.stat().st_size > 4 * MAX_CHARACTERS:
            return [], [_of_file(path, f"the file is larger than {4 * MAX_CHARACTERS} bytes")]
        return load(path.read_text(encoding="utf-8-sig"), str(path)), []
    except ManifestError as error:
        return [], [Finding(error.file, *error.position, "", error.message)]
    except UnicodeDecodeError as error:
        return [], [_of_file(path, f"the file is not UTF-8 text (byte {error.start})")]
    except OSError as error:
        return [], [_of_file(path, f"the file cannot be read: {error.strerror}")]


def _content_findings(document: Document) -> Iterator[Finding]:
    """What is wrong with one object whose schema is right."""
    kind = document.body["kind"]
    yield from _repeated(document, _structure(kind), document.body, ())
    for cause in _rules(kind).check(document.body):
        # Rules of a whole object judge its name: that is all of metadata that CEL can see.
        path = ("metadata", "name") if cause.field == ROOT else _steps(cause.field)
        yield at(document, path, cause.detail, key=cause.field != ROOT)
    if kind == "Dataset":
        yield from _dataset_findings(document, DatasetSpec.model_validate(document.body["spec"]))
    yield from gate_findings(document)
    for path, source in _git_sources(document.body, ()):
        if source["commit"] == UNPINNED:
            message = f"{source['path']} is not pinned to a commit yet"
            yield at(document, (*path, "commit"), message, suggestion="mlplane lock --commit")


def _dataset_findings(document: Document, spec: DatasetSpec) -> Iterator[Finding]:
    for problem in problems(spec):
        yield at(document, _steps(problem.field), problem.sentence)
    if spec.refresh and (fault := fault_of(spec.refresh.schedule)):
        message = f'"{spec.refresh.schedule}" is no schedule of cron: {fault.lower()}'
        yield at(document, ("spec", "refresh", "schedule"), message)


def _name_of(document: Document) -> tuple[str, str]:
    """Kind and name of an object that may be wrong in any way."""
    metadata = document.body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return str(document.body.get("kind")), str(name)


def _of_file(path: Path, message: str) -> Finding:
    return Finding(str(path), 1, 1, "", message)


def _kind_findings(document: Document) -> Iterator[Finding]:
    """Whether it is one of our kinds at all."""
    version, kind = document.body.get("apiVersion"), document.body.get("kind")
    for name, value in (("apiVersion", version), ("kind", kind)):
        if not isinstance(value, str) or not value:
            allowed = (names.API_VERSION,) if name == "apiVersion" else tuple(KINDS)
            message = f"the field {name} is required and must be a string"
            yield at(document, (name,), message, allowed=allowed)
            return
    meant = version == names.API_VERSION or closest(str(version), (names.API_VERSION,))
    if not meant and kind not in KINDS:
        message = f"{kind} of {version} is no kind of mlplane and is not checked"
        yield at(document, ("kind",), message, severity="warning")
    elif version != names.API_VERSION:
        message = f"{version} is not the API version of {kind}"
        suggestion = names.API_VERSION
        yield at(document, ("apiVersion",), message, allowed=(suggestion,), suggestion=suggestion)
    elif kind not in KINDS:
        message = f"{kind} is not a kind of {version}"
        yield at(document, ("kind",), message, allowed=KINDS, suggestion=closest(str(kind), KINDS))


def _repeated(document: Document, schema: Body, value: Any, path: FieldPath) -> Iterator[Finding]:
    """Entries of a list whose key is there already (``x-kubernetes-list-map-keys``)."""
    if isinstance(value, dict):
        for name, child in value.items():
            if below := schema.get("properties", {}).get(name):
                yield from _repeated(document, below, child, (*path, name))
    elif isinstance(value, list):
        keys, seen = schema.get("x-kubernetes-list-map-keys", ()), set()
        for index, item in enumerate(value):
            key = tuple(item[name] for name in keys) if keys else ()
            if key and key in seen:
                text = " ".join(map(str, key))
                message = f"{text} is there already: each {' and '.join(keys)} may be given once"
                yield at(document, (*path, index, keys[0]), message)
            seen.add(key)
            yield from _repeated(document, schema.get("items", {}), item, (*path, index))


def _git_sources(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Body]]:
    """Every place in an object that names a path of a git repository."""
    for name, child in value.items() if isinstance(value, dict) else ():
        if name == "git":
            yield (*path, name), child
        else:
            yield from _git_sources(child, (*path, name))


def _stale_pins(documents: Sequence[Document]) -> Iterator[Finding]:
    """Pins of a repository's own content that it has outgrown."""
    roots: dict[Path, Path | None] = {}
    for document in documents:
        lines = {
            document.position((*path, "commit")).line: (*path, "commit")
            for path, source in _git_sources(document.body["spec"], ("spec",))
            if source["commit"] != UNPINNED
        }
        file = Path(document.file)
        if not lines:
            continue
        try:
            if file.parent not in roots:
                roots[file.parent] = git.root(file.parent)
            if (repo := roots[file.parent]) is None:
                continue
            for pin in stale(repo, file.read_text(encoding="utf-8-sig"), document.file):
                if pin.line in lines:
                    yield at(document, lines[pin.line], pin.message)
        except Terminal as error:
            yield at(document, next(iter(lines.values())), str(error))


@functools.cache
def _structure(kind: str) -> Body:
    return structural_schema(KINDS[kind])


@functools.cache
def _rules(kind: str) -> Rules:
    return compile_rules(_structure(kind))


def _steps(field: str) -> FieldPath:
    """The steps of ``spec.splits[1].percent``."""
    return tuple(int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", field))
