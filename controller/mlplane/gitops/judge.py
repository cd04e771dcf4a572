"""What an API server would refuse in documents that are already read. Pure. Called by the GitOps agent."""

from collections.abc import Sequence

from mlplane.gitops.explain import schema_findings
from mlplane.gitops.findings import Finding
from mlplane.gitops.manifest import Document
from mlplane.gitops.references import duplicate_findings
from mlplane.gitops.validate import _content_findings, _kind_findings


def judge(documents: Sequence[Document]) -> list[Finding]:
    """Everything that is wrong with the objects, each by itself and all together.

    A reference to what is not among them is not wrong: on a cluster it is waited for.
    """
    sound: list[Document] = []
    findings: list[Finding] = []
    for document in documents:
        unsound = list(_kind_findings(document)) or schema_findings(document, document.body["kind"])
        findings += unsound
        if not unsound:
            sound.append(document)
            findings += _content_findings(document)
    return findings + list(duplicate_findings(sound))


def line_of(finding: Finding) -> str:
    """The finding as one line, for a log or a record."""
    where = f"{finding.file}:{finding.line}:{finding.column}: "
    what = f"{finding.path}: {finding.message}" if finding.path else finding.message
    allowed = f"; allowed: {', '.join(finding.allowed)}" if finding.allowed else ""
    suggestion = f"; try: {finding.suggestion}" if finding.suggestion else ""
    return where + what + allowed + suggestion
