"""The step ``transform``: the user's script makes files of the rows of other Datasets; ``ingest`` reads them.

The files travel through the store, as an artifact of the kind ``raw``. The script has no credentials, and is
given the same rows each time: what it makes of them is the same wherever it does not ask for time or chance.
"""

from pathlib import Path

from mlplane import tasks
from mlplane.api.dataset import ResolvedInput
from mlplane.data.joining import join_splits
from mlplane.errors import Terminal
from mlplane.steps.gitrepo import fetch
from mlplane.steps.script import run_script
from mlplane.steps.versions import KIND as DATASETS
from mlplane.steps.versions import DatasetVersion
from mlplane.steps.workspace import Workspace
from mlplane.store.digest import MANIFEST
from mlplane.store.uris import uri_of
from mlplane.tasks import TransformTask
from mlplane.training.context import TRANSFORM_ENV, SourceFile, TransformContext

KIND = "raw"
"""Kind of the artifacts that hold files as they came, before they are read as data."""


def transform(workspace: Workspace) -> None:
    """Run the script on the versions of its parents, and store what it writes; answers with ``raw``.

    Raises:
        InvalidInput: the code is not there.
        Terminal: a version is not in the store or damaged, or the script failed or wrote nothing.
        Transient: git or the store fails.
    """
    task = workspace.read_task(TransformTask)
    derived = task.derived_from
    fetch(derived.code.git, workspace.directory("repository")).extract(workspace.directory("code"))
    output = workspace.directory("made")
    document = workspace.root / "transform.json"
    context = _context(workspace, task, output)
    document.write_text(context.model_dump_json(by_alias=True, exclude_none=True), encoding="utf-8")
    code, scratch = workspace.directory("code"), workspace.directory("scratch")
    run_script(code, derived.entrypoint, document, context.seed, scratch, announced_by=TRANSFORM_ENV)
    if not any(path.is_file() for path in output.rglob("*") if path != output / MANIFEST):
        raise Terminal(
            f"script {derived.entrypoint} wrote no file; "
            'write to mlplane.training.output("part.csv"), or to another name'
        )
    workspace.answer(tasks.RAW_OUTPUT, workspace.store.put(output, KIND, task.name))


def _context(workspace: Workspace, task: TransformTask, output: Path) -> TransformContext:
    return TransformContext(
        sources={parent.name: _source(workspace, parent) for parent in task.inputs},
        params={name: str(value) for name, value in task.derived_from.params.items()},
        seed=0,
        output=str(output),
    )


def _source(workspace: Workspace, parent: ResolvedInput) -> SourceFile:
    """All rows of a version, as one file."""
    directory = workspace.directory(f"inputs/{parent.name}")
    workspace.store.get(uri_of(DATASETS, parent.name, parent.digest), directory)
    version = DatasetVersion.read(directory)
    file = workspace.directory("inputs") / f"{parent.name}.parquet"
    join_splits(directory, [split.name for split in version.splits], file)
    return SourceFile(path=str(file), rows=version.rows, columns=version.columns)
