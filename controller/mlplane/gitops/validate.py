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
from mlplane.api.promotion import Environment
from mlplane.capacity import Profile
from mlplane.data.duetimes import fault_of
from mlplane.data.specproblems import problems
from mlplane.gitops.capacityfindings import capacity_findings
from mlplane.gitops.environments import FILE, is_promotion
from mlplane.gitops.explain import schema_findings
from mlplane.gitops.findings import Finding, at, closest, of_check
from mlplane.gitops.gatefindings import gate_findings
from mlplane.gitops.groups import Group, Repositories
from mlplane.gitops.manifest import MAX_CHARACTERS, Document, FieldPath, ManifestError, load
from mlplane.gitops.pinfindings import stale_findings, unpinned_findings
from mlplane.gitops.policy import policy_findings
from mlplane.gitops.references import duplicate_findings, reference_findings
from mlplane.gitops.sweepfindings import sweep_findings
from mlplane.schema.crds import structural_schema
from mlplane.structural.causes import ROOT
from mlplane.structural.celrules import Rules, compile_rules

SUFFIXES = (".yaml", ".yml")


def validate(paths: Sequence[Path], profile: Profile | None = None) -> list[Finding]:
    """Everything that is wrong with the manifests in files and directories.

    Args:
        paths: Files, and directories that are searched for YAML files. Where a ``promotion.yaml`` names
            environments, each is judged by itself. Else they are one together: an object may be defined once
            in all of them, and references lead from file to file.
        profile: The machines that the manifests are for; None if that does not matter.
    """
    repositories = Repositories()
    groups, findings = _read_all(paths, repositories)
    everything: list[Document] = []
    for group, documents in groups.items():
        sound, found = _each(documents)
        findings += found
        if group.is_together:
            findings += _together(documents, sound, group.environment)
        everything += sound
    findings += [*repositories.findings, *of_check("pinned", stale_findings(everything))]
    findings += capacity_findings(everything, profile or Profile())
    return sorted(findings, key=lambda finding: (finding.file, finding.line, finding.column))


def judge(documents: Sequence[Document]) -> list[Finding]:
    """What an API server would refuse in documents that are already read, each by itself and all together.

    A reference to what is not among them is not wrong: on a cluster it is waited for. Called by the agent.
    """
    sound, findings = _each([document for document in documents if not is_promotion(document)])
    return findings + list(duplicate_findings(sound))


def _each(documents: Sequence[Document]) -> tuple[list[Document], list[Finding]]:
    """The documents whose schema is right, and what is wrong with any of them by itself."""
    sound: list[Document] = []
    findings: list[Finding] = []
    for document in documents:
        unsound = list(_kind_findings(document)) or schema_findings(document, document.body["kind"])
        findings += unsound
        if not unsound:
            sound.append(document)
            findings += _content_findings(document)
            findings += of_check("pinned", unpinned_findings(document))
    return sound, findings


def _together(
    documents: Sequence[Document], sound: Sequence[Document], environment: Environment | None
) -> Iterator[Finding]:
    """What is wrong with documents that are applied together, and where they are applied."""
    unsound = set(map(_name_of, documents)) - set(map(_name_of, sound))
    yield from duplicate_findings(sound)
    yield from of_check("reference", reference_findings(sound, unsound))
    if environment is not None:
        yield from of_check("policy", policy_findings(sound, environment))


def _read_all(
    paths: Sequence[Path], repositories: Repositories
) -> tuple[dict[Group, list[Document]], list[Finding]]:
    groups: dict[Group, list[Document]] = {}
    findings: list[Finding] = []
    for path in paths:
        files = manifest_files(path)
        if not files and repositories.group_of(path).root is None:
            findings.append(_of_file(path, "there is no YAML file here"))
        for file in files:
            group = repositories.group_of(file)
            if repositories.has(file) or not (group.is_together or _is_ours(file)):
                continue
            documents, found = read(file)
            groups.setdefault(group, []).extend(documents)
            findings += found
    return groups, findings


def _is_ours(file: Path) -> bool:
    """Whether a file outside of all environments has to do with mlplane at all."""
    try:
        with file.open("rb") as opened:
            return names.GROUP.encode() in opened.read(MAX_CHARACTERS)
    except OSError:
        return False


def manifest_files(path: Path) -> list[Path]:
    """The file itself, or the YAML files below a directory, without those in hidden directories."""
    if not path.is_dir():
        return [path]
    found = (file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    return sorted(f for f in found if not any(part.startswith(".") for part in f.relative_to(path).parts))


def read(path: Path) -> tuple[list[Document], list[Finding]]:
    """The document in a file, or why there is none."""
    if path.is_symlink():
        return [], [_of_file(path, "the file is a symbolic link: put a regular file there")]
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
    yield from sweep_findings(document)


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
    if is_promotion(document):
        message = f"environments are named in {FILE} at the root of the repository, and nowhere else"
        yield at(document, ("kind",), message)
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


@functools.cache
def _structure(kind: str) -> Body:
    return structural_schema(KINDS[kind])


@functools.cache
def _rules(kind: str) -> Rules:
    return compile_rules(_structure(kind))


def _steps(field: str) -> FieldPath:
    """The steps of ``spec.splits[1].percent``."""
    return tuple(int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", field))
