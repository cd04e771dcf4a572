"""The step ``ingest``: the raw bytes of a source become a dataset version in the store, if all checks pass.

The version's name follows from the raw bytes and the spec. So if the store has it, it is not made again; but
the bytes are read and checked each time, for the checks are no part of the name.
"""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane import tasks
from mlplane.api.dataset import DatasetSpec
from mlplane.data.checks import plan_checks, run_checks
from mlplane.data.layout import columns_of
from mlplane.data.profiles import read_profile
from mlplane.data.profiling import profile_of
from mlplane.data.rawfiles import RawFiles
from mlplane.data.specproblems import require_sound
from mlplane.errors import Terminal
from mlplane.steps.sources import Policy, fetch_raw
from mlplane.steps.sources.reading import DEFAULT_MAX_SIZE, bytes_of
from mlplane.steps.versions import DOCUMENT, KIND, DatasetVersion, identity_of
from mlplane.steps.workspace import Workspace
from mlplane.store.digest import identity_digest
from mlplane.store.uris import uri_of
from mlplane.tasks import IngestResult, IngestTask

if TYPE_CHECKING:
    from mlplane.data.staging import Staged

EXPANSION = 20
"""How many times its size a derived dataset, which declares no size, may unpack to."""


def ingest(workspace: Workspace, raw_uri: str = "") -> None:
    """Fetch, check, split and store a dataset; answers with an ``IngestResult``, also if checks failed.

    Args:
        workspace: The surroundings.
        raw_uri: Of a derived dataset: ``store://`` URI of what the step ``transform`` made.

    Raises:
        InvalidInput: the spec contradicts itself, or the source is not there or not of its format.
        Terminal, Transient: source or store fails.
    """
    from mlplane.data.reading import stage

    task = workspace.read_task(IngestTask)
    spec = task.spec
    require_sound(spec)
    plan = plan_checks(columns_of(spec), spec.checks, partial(read_profile, workspace.store))
    raw = _raw_files(workspace, spec, raw_uri)
    staged = stage(raw, spec, _limit(spec, raw), workspace.root / "staged.parquet")
    checks = run_checks(plan, staged, datetime.now(UTC), workspace.directory("spill"))
    identity = identity_of(spec, raw)
    answer = IngestResult(
        digest=identity_digest(identity),
        rows=staged.rows,
        read=staged.read,
        files=len(raw.entries),
        bytes=raw.size,
        checks=checks,
    )
    if not any(check.verdict == "Failed" for check in checks):
        uri = uri_of(KIND, task.name, answer.digest)
        version = _stored(workspace, uri) or _store(workspace, task, staged, identity)
        answer = answer.model_copy(update={"uri": uri, "rows": version.rows, "splits": version.splits})
    workspace.answer(tasks.DATASET_OUTPUT, answer.model_dump_json(by_alias=True, exclude_none=True))


def _raw_files(workspace: Workspace, spec: DatasetSpec, raw_uri: str) -> RawFiles:
    directory = workspace.root / "raw"
    if spec.source is not None:
        return fetch_raw(spec.source, workspace.store, directory, Policy.of(os.environ))
    if not raw_uri:
        raise Terminal("the dataset is derived, but --raw names no files; did the step transform run?")
    return RawFiles(directory, workspace.store.get(raw_uri, directory).files)


def _limit(spec: DatasetSpec, raw: RawFiles) -> int:
    """How many bytes may be unpacked."""
    if spec.source is None:
        return max(EXPANSION * raw.size, bytes_of(DEFAULT_MAX_SIZE))
    return bytes_of(spec.source.max_size or DEFAULT_MAX_SIZE)


def _stored(workspace: Workspace, uri: str) -> DatasetVersion | None:
    """The version, if the store has it, undamaged."""
    if not workspace.store.renew(uri):
        return None
    workspace.store.verify(uri)
    directory = workspace.directory("stored")
    workspace.store.get(uri, directory, only={DOCUMENT})
    return DatasetVersion.read(directory)


def _store(
    workspace: Workspace, task: IngestTask, staged: "Staged", identity: dict[str, object]
) -> DatasetVersion:
    version = make_version(staged, task.spec, workspace.directory("dataset"), workspace.directory("spill"))
    workspace.store.put(workspace.root / "dataset", KIND, task.name, identity=identity)
    return version


def make_version(staged: "Staged", spec: DatasetSpec, directory: Path, spill: Path) -> DatasetVersion:
    """Write the files of a dataset version: one for each split, ``profile.json`` and ``dataset.json``."""
    from mlplane.data.versionfiles import write_splits

    splits = write_splits(staged, spec, directory)
    profile_of(staged, spill).write(directory)
    version = DatasetVersion(rows=staged.rows, columns=staged.columns, splits=splits)
    version.write(directory)
    return version
