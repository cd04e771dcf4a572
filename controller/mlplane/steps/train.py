"""The step ``train``: the user's script makes a model, and the store keeps it under the run key.

The script sees every split but the one that its model will be judged on.
"""

from pathlib import Path

from pydantic import ValidationError

from mlplane import tasks
from mlplane.api.modelversion import Artifact, Signature
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.errors import Terminal
from mlplane.runkey import run_key
from mlplane.steps.checkpoints import Keeper
from mlplane.steps.script import metrics_file, run_script
from mlplane.steps.trainingmetrics import keep_metrics
from mlplane.steps.usercode import code_of
from mlplane.steps.versions import DatasetVersion, get_version
from mlplane.steps.workspace import Workspace, result_path, trained_model
from mlplane.store.archive import inspect
from mlplane.store.uris import digest_in
from mlplane.sweeps import task_of_trial
from mlplane.tasks import RunTask, TrainedModel
from mlplane.training.context import RunContext
from mlplane.training.documents import SAMPLE, SIGNATURE
from mlplane.training.export import PROGRAM, WEIGHTS

KIND = "models"
DOCUMENT = "run.json"
"""What the script is told, in the directory of the step."""


def train(workspace: Workspace, trial: int | None = None) -> None:
    """Run the user's script and store its model; answers with ``model``.

    Args:
        workspace: The surroundings.
        trial: Number of the trial to train, where the run is a sweep.

    Raises:
        InvalidInput: code or dataset are not there.
        Terminal: the script failed or saved no model.
        Transient: git or the store fails, or the script was stopped from outside.
    """
    task = workspace.read_task(RunTask)
    if trial is not None:
        task = task_of_trial(task, trial)
    code = code_of(task.spec.code, workspace)
    key = run_key(task, code.identity)
    trained = trained_model(workspace.store, key)
    if trained is None:
        keeper = Keeper(workspace.store, key, task.spec.model, workspace.directory("checkpoints"))
        signature = _train(workspace, task, code.provide(), keeper)
        keep_metrics(workspace.store, key, metrics_file(workspace.root / DOCUMENT))
        uri = workspace.store.put(workspace.directory("model"), KIND, task.spec.model)
        artifact = Artifact(uri=uri, digest=digest_in(uri))
        made = TrainedModel(key=key, tree=code.tree, artifact=artifact, signature=signature)
        # Another run of the same key may have been faster: then its model is the one that counts.
        if (trained := trained_model(workspace.store, key)) is None:
            trained = made
            workspace.store.put_json(result_path(key), trained.to_body())
        keeper.discard()
    workspace.answer(tasks.MODEL_OUTPUT, trained.artifact.digest)


def read_signature(directory: Path) -> Signature:
    """The signature of a model.

    Raises:
        Terminal: it is not one.
    """
    try:
        return Signature.model_validate_json((directory / SIGNATURE).read_bytes())
    except (OSError, ValidationError) as error:
        raise Terminal(f"{SIGNATURE} of the model is not a signature: {error}") from error


def _train(workspace: Workspace, task: RunTask, code: Path, keeper: Keeper) -> Signature:
    data = workspace.directory("dataset")
    readable = {split.name for split in task.splits} - {task.spec.evaluation.split}
    version = get_version(workspace.store, task.dataset, task.splits, readable, data)
    output = workspace.directory("model")
    document = workspace.root / DOCUMENT
    context = _context(task, version, data, output, workspace.directory("checkpoints"))
    document.write_text(context.model_dump_json(by_alias=True), encoding="utf-8")
    keeper.fetch()
    with keeper.keeping():
        run_script(
            code,
            task.spec.entrypoint,
            document,
            task.spec.seed,
            workspace.directory("scratch"),
            processes=processes_of(task.spec),
        )
    _check_saved(output, task.spec.entrypoint)
    return read_signature(output)


def _context(
    task: RunTask, version: DatasetVersion, data: Path, output: Path, checkpoints: Path
) -> RunContext:
    spec = task.spec
    return RunContext(
        dataset=task.dataset.name,
        folder=str(data),
        columns=version.columns,
        splits={s.name: s.rows for s in version.splits if s.name != spec.evaluation.split},
        withheld=spec.evaluation.split,
        params={name: str(value) for name, value in spec.params.items()},
        seed=spec.seed,
        output=str(output),
        checkpoints=str(checkpoints),
    )


def processes_of(spec: TrainingRunSpec) -> int:
    """How many processes train together: as written, or one for each GPU."""
    return spec.processes or max(1, spec.gpus or 1)


def _check_saved(output: Path, entrypoint: str) -> None:
    """The files of ``training.save`` must be there, and nothing else is stored."""
    expected = {PROGRAM, WEIGHTS, SAMPLE, SIGNATURE}
    found = {path.name for path in output.iterdir()}
    if SIGNATURE not in found:
        raise Terminal(
            f"script {entrypoint} saved no model; call mlplane.training.save(model, sample) at its end"
        )
    if found != expected:
        names = ", ".join(sorted(found ^ expected))
        raise Terminal(f"the model has other files than mlplane.training.save writes: {names}")
    inspect(output / PROGRAM)
