"""The step ``preflight``: everything a run needs is there, before a GPU waits for it.

Takes a second and imports no torch. Answers with the run key, and with the model if one was trained for it.
"""

from mlplane import tasks
from mlplane.data.layout import split_file
from mlplane.errors import InvalidInput, Terminal
from mlplane.runkey import run_key
from mlplane.steps.gitrepo import Repository, fetch
from mlplane.steps.judging.plans import check_judgement, check_leakage
from mlplane.steps.versions import DOCUMENT, DatasetVersion, version_uri
from mlplane.steps.workspace import Workspace, trained_model
from mlplane.store.artifacts import Store
from mlplane.store.manifest import Manifest
from mlplane.tasks import RunTask

PROBE = "runs/.writable.json"


def preflight(workspace: Workspace) -> None:
    """Check what a run needs; answers with ``key``, ``cached`` and ``model``.

    Raises:
        InvalidInput: code, dataset, or what the plan judges by are not there, or a file is not Python.
        Terminal, Transient: git or the store fails.
    """
    task = workspace.read_task(RunTask)
    repository = fetch(task.spec.code.git, workspace.directory("repository"))
    _check_script(repository, "spec.entrypoint", task.spec.entrypoint)
    if task.spec.evaluation.evaluator:
        _check_script(repository, "spec.evaluation.evaluator", task.spec.evaluation.evaluator)
    _check_dataset(workspace, task)
    _check_writable(workspace.store)
    key = run_key(task, repository.tree_id())
    trained = trained_model(workspace.store, key)
    workspace.answer(tasks.KEY_OUTPUT, key)
    workspace.answer(tasks.CACHED_OUTPUT, "true" if trained else "false")
    workspace.answer(tasks.MODEL_OUTPUT, trained.artifact.digest if trained else "")


def _check_script(repository: Repository, field: str, path: str) -> None:
    """A file of the code must be there and be Python; it is compiled, not run."""
    source = repository.source
    script = next((entry for entry in repository.files() if entry.path == path), None)
    if script is None:
        raise InvalidInput(
            f"{field} {path} is not in {source.path} at commit {source.commit}; "
            "it is a path below spec.code.git.path"
        )
    try:
        compile(repository.read(script), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise InvalidInput(f"{field} {path} is not valid Python: {error}") from error


def _check_dataset(workspace: Workspace, task: RunTask) -> None:
    directory = workspace.directory("dataset")
    manifest = workspace.store.get(version_uri(task.dataset), directory, only={DOCUMENT})
    check_plan(task, DatasetVersion.read(directory), manifest)


def check_plan(task: RunTask, version: DatasetVersion, manifest: Manifest) -> None:
    """Whether a dataset version has what a run trains on and is judged by.

    Raises:
        InvalidInput: it has not; names what is missing, what there is, and the field to correct.
    """
    plan = task.spec.evaluation
    files = {entry.path for entry in manifest.files}
    splits = [split.name for split in version.splits if split_file(split.name) in files]
    where = f"dataset {task.dataset.name}"
    if plan.split not in splits:
        raise InvalidInput(
            f"spec.evaluation.split {plan.split!r} is not in {where}: it has {', '.join(splits)}"
        )
    check_judgement(plan, version.columns, task.dataset.name)
    if len(splits) < 2:
        raise InvalidInput(
            f"{where} has no split but {plan.split!r}, which is for judging; add one to train on"
        )
    if version.split(plan.split).rows == 0:
        raise InvalidInput(f"split {plan.split!r} of {where} has no rows; nothing can be judged on it")
    check_leakage(task.judging)


def _check_writable(store: Store) -> None:
    try:
        store.put_json(PROBE, {})
    except Terminal as error:
        raise Terminal(f"this step may not write to the store: {error}") from error
