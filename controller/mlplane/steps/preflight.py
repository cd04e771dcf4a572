"""The step ``preflight``: everything a run needs is there, before a GPU waits for it.

Takes a second and imports no torch. Answers with the run key, and with the model if one was trained for it.
"""

import os

from mlplane import names, tasks
from mlplane.api.judgement import NameRef
from mlplane.data.layout import split_file
from mlplane.errors import BadData, InvalidInput, SystemFault, Terminal
from mlplane.runkey import run_key
from mlplane.steps.judging.plans import check_judgement, check_leakage
from mlplane.steps.scriptimports import check_imports
from mlplane.steps.scriptparams import check_params
from mlplane.steps.trials import answer_trials
from mlplane.steps.usercode import Code, code_of
from mlplane.steps.versions import DOCUMENT, DatasetVersion, version_uri
from mlplane.steps.workspace import Workspace, trained_model
from mlplane.store.artifacts import Store
from mlplane.store.manifest import Manifest
from mlplane.tasks import RunTask

PROBE = "runs/.writable.json"


def preflight(workspace: Workspace) -> None:
    """Check what a run needs; answers with ``key``, ``cached``, ``model``, or ``trials`` and ``keys``.

    Raises:
        InvalidInput: code, dataset, Secret, or what the plan judges by are not there, a file is not Python,
            it imports what is nowhere, or it does not know a parameter.
        Terminal, Transient: git or the store fails.
    """
    task = workspace.read_task(RunTask)
    code = code_of(task.spec.code, workspace)
    script = _checked_script(code, "spec.entrypoint", task.spec.entrypoint)
    check_imports(code, task.spec.entrypoint, task.image)
    check_params(task.spec, script)
    _check_secret(task.spec.secret_ref)
    if task.spec.evaluation.evaluator:
        _checked_script(code, "spec.evaluation.evaluator", task.spec.evaluation.evaluator)
    _check_dataset(workspace, task)
    _check_writable(workspace.store)
    if task.spec.sweep is not None:
        answer_trials(workspace, task, code.identity)
        return
    key = run_key(task, code.identity)
    trained = trained_model(workspace.store, key)
    workspace.answer(tasks.KEY_OUTPUT, key)
    workspace.answer(tasks.CACHED_OUTPUT, "true" if trained else "false")
    workspace.answer(tasks.MODEL_OUTPUT, trained.artifact.digest if trained else "")


def _checked_script(code: Code, field: str, path: str) -> bytes:
    """A file of the code, which must be there and be Python; it is compiled, not run."""
    source = code.read(path)
    if source is None:
        raise InvalidInput(f"{field} {path} is not in {code.where}; it is a path below {code.field}")
    try:
        compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise InvalidInput(f"{field} {path} is not valid Python: {error}") from error
    return source


def _check_secret(secret: NameRef | None) -> None:
    """The script gets the keys of the Secret, so there has to be one; none is told by its name."""
    if secret and not any(name.startswith(names.SCRIPT_ENV_PREFIX) for name in os.environ):
        raise InvalidInput(
            f"spec.secretRef: Secret {secret.name} has no key that can be an environment variable; allowed: "
            "letters, digits and _, such as API_TOKEN"
        )


def _check_dataset(workspace: Workspace, task: RunTask) -> None:
    directory = workspace.directory("dataset")
    workspace.store.check(version_uri(task.dataset))
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
        raise BadData(f"spec.evaluation.split {plan.split!r} is not in {where}: it has {', '.join(splits)}")
    check_judgement(plan, version.columns, task.dataset.name)
    if len(splits) < 2:
        raise BadData(f"{where} has no split but {plan.split!r}, which is for judging; add one to train on")
    if version.split(plan.split).rows == 0:
        raise BadData(f"split {plan.split!r} of {where} has no rows; nothing can be judged on it")
    _check_pins(task, version)
    check_leakage(task.judging)


def _check_pins(task: RunTask, version: DatasetVersion) -> None:
    """The splits must be those that the run is pinned to; what is read is compared once more."""
    for pinned in task.splits:
        if (stored := version.split(pinned.name).digest) != pinned.digest:
            raise BadData(
                f"split {pinned.name!r} of {version_uri(task.dataset)} has the digest {stored}; the run is "
                f"pinned to {pinned.digest}"
            )


def _check_writable(store: Store) -> None:
    try:
        store.put_json(PROBE, {})
    except Terminal as error:
        raise SystemFault(f"this step may not write to the store: {error}") from error
