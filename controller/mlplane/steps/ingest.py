"""The step ``ingest``: raw bytes in git become a dataset version in the store.

The version's name follows from the raw bytes and the spec. So if the store has it, nothing is read again.
"""

import hashlib
from contextlib import ExitStack
from pathlib import Path

from mlplane import tasks
from mlplane.api.dataset import DatasetSpec, Split
from mlplane.steps.gitrepo import fetch
from mlplane.steps.versions import DOCUMENT, KIND, DatasetVersion, identity_of, split_file
from mlplane.steps.workspace import Workspace
from mlplane.store.digest import identity_digest, sha256_of
from mlplane.store.uris import digest_in, uri_of
from mlplane.tasks import IngestResult
from mlplane.training.records import read_records
from mlplane.training.tables import header_of


def ingest(workspace: Workspace) -> None:
    """Fetch, check, split and store a dataset; answers with an ``IngestResult``.

    Raises:
        InvalidInput: the source is not there, or its records fail the checks.
        Terminal, Transient: git or the store fails.
    """
    task = workspace.ingest_task()
    raw = workspace.root / "raw"
    fetch(task.spec.source.git, workspace.directory("repository")).write_file(raw)
    with raw.open("rb") as stream:
        identity = identity_of(task.spec, sha256_of(stream))
    uri = uri_of(KIND, task.name, identity_digest(identity))
    directory = workspace.directory("dataset")
    if workspace.store.exists(uri):
        workspace.store.verify(uri)
        workspace.store.get(uri, directory, only={DOCUMENT})
        version = DatasetVersion.read(directory)
    else:
        version = make_version(raw, task.spec, directory)
        workspace.store.put(directory, KIND, task.name, identity=identity)
    answer = IngestResult(digest=digest_in(uri), uri=uri, rows=version.rows, splits=version.splits)
    workspace.answer(tasks.DATASET_OUTPUT, answer.model_dump_json(by_alias=True, exclude_none=True))


def make_version(raw: Path, spec: DatasetSpec, directory: Path) -> DatasetVersion:
    """Write the files of a dataset version: a CSV for each split, and ``dataset.json``.

    Raises:
        InvalidInput: records fail the checks.
    """
    names = [split.name for split in spec.splits]
    digests = {name: hashlib.sha256() for name in names}
    rows = dict.fromkeys(names, 0)
    with ExitStack() as stack:
        files = {name: stack.enter_context((directory / split_file(name)).open("wb")) for name in names}
        for file in files.values():
            file.write(header_of(spec.columns).encode())
        for record in read_records(raw, spec):
            line = record.text.encode() + b"\n"
            files[record.split].write(line)
            digests[record.split].update(line)
            rows[record.split] += 1
    splits = [Split(name=n, digest=f"sha256:{digests[n].hexdigest()}", rows=rows[n]) for n in names]
    version = DatasetVersion(rows=sum(rows.values()), columns=spec.columns, splits=tuple(splits))
    (directory / DOCUMENT).write_text(version.model_dump_json(by_alias=True, indent=1) + "\n")
    return version
