"""The manifests of a path, be it of a commit or of a working tree, as the GitOps agent takes them.

All or nothing: one file that is wrong, and there are none. Called by ``local.agent`` and
``gitops.planningsides``.
"""

from collections.abc import Mapping
from pathlib import Path

from mlplane import names
from mlplane.api import KINDS
from mlplane.errors import InvalidInput
from mlplane.gitops import git, sync
from mlplane.gitops.manifest import Document, load
from mlplane.gitops.pins import identity
from mlplane.gitops.validate import judge


def valid_documents(files: Mapping[str, bytes]) -> list[Document]:
    """The objects of our kinds.

    Other kinds, such as a Kustomization for another agent, are left out, and what is hidden, such as the
    files of CI in ``.github``.

    Raises:
        InvalidInput: Any of the files is wrong; names every fault of every file.
    """
    documents: list[Document] = []
    faults: list[str] = []
    for name, content in files.items():
        if any(part.startswith(".") for part in name.split("/")):
            continue
        try:
            documents += load(content.decode("utf-8-sig"), name)
        except InvalidInput as error:
            faults.append(str(error))
        except UnicodeDecodeError as error:
            faults.append(f"{name}: not UTF-8 (byte {error.start})")
    faults += [str(finding) for finding in judge(documents) if finding.severity == "error"]
    if faults:
        raise InvalidInput("\n".join(faults))
    return [d for d in documents if d.body["apiVersion"] == names.API_VERSION and d.body["kind"] in KINDS]


def source_label(repo: Path, path: str) -> str:
    """What objects are labelled with that come from a path of a repository."""
    urls = git.remote_urls(repo)
    return sync.source_of(identity(urls[0]) if urls else str(repo.resolve()), path)
