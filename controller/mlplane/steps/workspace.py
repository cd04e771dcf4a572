"""Where a step works, what it was told, and how it answers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from mlplane import names
from mlplane.api.meta import ApiModel
from mlplane.errors import InvalidInput
from mlplane.store.artifacts import Store
from mlplane.tasks import TrainedModel

TaskT = TypeVar("TaskT", bound=ApiModel)


@dataclass(frozen=True)
class Workspace:
    """The surroundings of a step, taken from its environment."""

    root: Path
    """A directory of its own."""
    store: Store
    task: str
    """JSON."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Workspace":
        """The workspace that an environment describes."""
        root = Path(environment.get(names.WORK_DIR_ENV) or names.WORK_DIR)
        return cls(root, Store(environment.get(names.STORE_ENV, "")), environment.get(names.TASK_ENV, ""))

    def directory(self, name: str) -> Path:
        """A directory of this name, made if need be."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def read_task(self, kind: type[TaskT]) -> TaskT:
        """What the step is to do; each step has a kind of task.

        Raises:
            InvalidInput: the environment does not hold one of this kind.
        """
        try:
            return kind.model_validate_json(self.task)
        except ValidationError as error:
            raise InvalidInput(f"{names.TASK_ENV} does not hold a {kind.__name__}: {error}") from error

    def answer(self, parameter: str, value: str) -> None:
        """Write an output parameter, whole or not at all."""
        path = self.directory(Path(names.OUTPUT_DIR).name) / parameter
        partial = path.with_name(f".{parameter}.partial")
        partial.write_text(value, encoding="utf-8")
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)


def run_path(key: str, name: str) -> str:
    """Where the store keeps a document of a run: ``runs/<hex>/<name>.json``."""
    return f"runs/{key.removeprefix('sha256:')}/{name}.json"


def result_path(key: str) -> str:
    """Where the store keeps what a run made."""
    return run_path(key, "result")


def trained_model(store: Store, key: str) -> TrainedModel | None:
    """What a run with this key made before; None if there is none, or if its model is gone."""
    document = store.get_json(result_path(key))
    if document is None:
        return None
    try:
        trained = TrainedModel.model_validate(document)
    except ValidationError as error:
        message = f"{result_path(key)} in the store {store.url} is damaged; delete it to train again: {error}"
        raise InvalidInput(message) from error
    return trained if trained.key == key and store.exists(trained.artifact.uri) else None
