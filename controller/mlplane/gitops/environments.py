"""The environments of a repository: what ``promotion.yaml`` says, and which of them a path belongs to.

Called by ``gitops.validate`` and by every command that has to do with more than one environment.
"""

from pathlib import Path, PurePosixPath

from mlplane.api.promotion import Environment, Promotion
from mlplane.errors import InvalidInput
from mlplane.gitops.explain import schema_findings
from mlplane.gitops.findings import Finding, at
from mlplane.gitops.manifest import Document, ManifestError, load
from mlplane.gitops.promotionfindings import contradictions

FILE = "promotion.yaml"
"""At the root of the repository."""
EMPTY = "the file is empty: it names the environments of the repository"


def examine(root: Path) -> tuple[Promotion | None, list[Finding]]:
    """The promotion of a repository that has one, and what is wrong with it, for people to correct."""
    file = root / FILE
    try:
        documents = load(file.read_text(encoding="utf-8-sig"), str(file))
    except ManifestError as error:
        return None, [Finding(error.file, *error.position, "", error.message)]
    except (OSError, UnicodeDecodeError) as error:
        return None, [Finding(str(file), 1, 1, "", f"the file cannot be read: {error}")]
    if not documents:
        return None, [Finding(str(file), 1, 1, "", EMPTY)]
    if findings := findings_in(documents[0]):
        return None, findings
    promotion = _model(documents[0])
    return promotion, [
        at(documents[0], ("environments", index, "path"), f"there is no directory {environment.path}")
        for index, environment in enumerate(promotion.environments)
        if not (root / environment.path).is_dir()
    ]


def parse(text: str, file: str) -> Promotion:
    """The content of ``promotion.yaml``, of a working tree or of a commit.

    Args:
        text: Content of the file.
        file: Its name, for messages.

    Raises:
        InvalidInput: It is wrong, or contradicts itself; says all that is, with places.
    """
    documents = load(text, file)
    if not documents:
        raise InvalidInput(f"{file}:1:1: {EMPTY}")
    findings = findings_in(documents[0])
    if findings:
        raise InvalidInput("\n".join(map(str, findings)))
    return _model(documents[0])


def read(root: Path) -> Promotion | None:
    """The promotion of the repository, from its working tree; None where it has no such file.

    Raises:
        InvalidInput: As ``parse``, or the file cannot be read.
    """
    file = root / FILE
    if not file.is_file():
        return None
    try:
        return parse(file.read_text(encoding="utf-8-sig"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from error


def findings_in(document: Document) -> list[Finding]:
    """What is wrong with a document that is to be ``promotion.yaml``."""
    if "kind" in document.body and not is_promotion(document):
        kind = document.body["kind"]
        return [
            at(
                document,
                ("kind",),
                f"{kind} does not belong into {FILE}",
                allowed=("Promotion",),
                suggestion="Promotion",
            )
        ]
    return schema_findings(document, "Promotion") or list(contradictions(document, _model(document)))


def is_promotion(document: Document) -> bool:
    """Whether it is the file of environments, which no cluster knows."""
    return bool(document.body.get("kind") == Promotion.__name__)


def root_of(path: Path) -> Path | None:
    """The folder, at or above a path and in the same repository, that has a ``promotion.yaml``; else None.

    The outermost counts, so that a directory of an environment cannot say something else.
    """
    found: list[Path] = []
    absolute = path.absolute()
    for folder in (absolute, *absolute.parents):
        found += [folder] if (folder / FILE).is_file() else []
        if (folder / ".git").exists():
            return found[-1] if found else None
    return found[0] if found else None  # in no repository


def environment_of(promotion: Promotion, path: PurePosixPath) -> Environment | None:
    """The environment that a path of the repository, relative to its root, belongs to."""
    return next((e for e in promotion.environments if path.is_relative_to(e.path)), None)


def environment_named(promotion: Promotion, name: str) -> Environment:
    """The environment of that name.

    Raises:
        InvalidInput: There is none.
    """
    for environment in promotion.environments:
        if environment.name == name:
            return environment
    known = ", ".join(e.name for e in promotion.environments)
    raise InvalidInput(f"{FILE} has no environment {name!r}; it has: {known}")


def _model(document: Document) -> Promotion:
    return Promotion.model_validate(document.body)
