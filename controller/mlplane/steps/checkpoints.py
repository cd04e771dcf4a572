"""Keeping a script's checkpoints in the store while it trains, and giving it the newest at the start.

The script writes files; a thread of the step ``train`` stores the newest as an artifact, which is verified
when it is read. ``runs/<key>/checkpoints.json`` names the newest ones. A checkpoint belongs to a run key: to
this code, these data and these parameters. So whoever trains the same again may go on from it.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from pydantic import Field, ValidationError

from mlplane.api.meta import ApiModel, StoreUri
from mlplane.errors import MlplaneError, Terminal
from mlplane.steps.workspace import run_path
from mlplane.store.artifacts import Store
from mlplane.store.digest import MANIFEST
from mlplane.training.checkpoints import PATTERN

KIND = "checkpoints"
KEPT = 2
"""A damaged one has a predecessor."""
_PAUSE = 0.5
"""Seconds between two looks at the directory."""


class Kept(ApiModel):
    """A checkpoint in the store."""

    file: Annotated[str, Field(pattern=r"^step-[0-9]{12}\.pt$")]
    uri: StoreUri


class Index(ApiModel):
    """The checkpoints of a run, newest first."""

    checkpoints: tuple[Kept, ...] = ()


class Keeper:
    """The checkpoints of one run key."""

    def __init__(self, store: Store, key: str, name: str, folder: Path) -> None:
        self._store, self._name, self._folder = store, name, folder
        self._path = run_path(key, "checkpoints")
        self._newest = ""
        # Not the bytes name a checkpoint: other runs, and other pods of this one, may have and drop the same.
        self._writer = {"run": key, "writer": uuid4().hex}

    def fetch(self) -> None:
        """Bring the newest checkpoint that is whole, if there is one.

        Raises:
            Transient: the store fails.
        """
        for kept in self._index():
            try:
                self._store.get(kept.uri, self._folder, only=[kept.file])
            except Terminal as error:
                _warn(f"{error}; an older one is tried")
                continue
            (self._folder / MANIFEST).unlink()
            self._newest = kept.file
            sys.stdout.write(f"goes on from checkpoint {kept.file}\n")
            sys.stdout.flush()
            return

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Store what the script writes, until it has ended, and what it wrote last."""
        is_over = threading.Event()

        def follow() -> None:
            while not is_over.wait(_PAUSE):
                self._keep()

        thread = threading.Thread(target=follow, name="checkpoints")
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            self._keep()

    def discard(self) -> None:
        """The run has its result: nobody goes on from here any more."""
        index = self._index()
        self._write(())
        for kept in index:
            self._store.discard(kept.uri)

    def _keep(self) -> None:
        """Store the newest file. Training goes on where the store fails; the next one may get through."""
        found = sorted(self._folder.glob(PATTERN))
        if not found or found[-1].name <= self._newest:
            return
        try:
            self._put(found[-1])
        except MlplaneError as error:
            _warn(f"checkpoint {found[-1].name} is not stored: {error}")
            return
        for path in found[:-1]:
            path.unlink(missing_ok=True)

    def _put(self, path: Path) -> None:
        uri = self._store.put(path, KIND, self._name, identity=self._writer | {"file": path.name})
        known = self._index()
        self._write((Kept(file=path.name, uri=uri), *known[: KEPT - 1]))
        self._newest = path.name
        for dropped in known[KEPT - 1 :]:
            self._store.discard(dropped.uri)

    def _index(self) -> Sequence[Kept]:
        """What the store names; a damaged index is as good as none: training makes it again."""
        try:
            document = self._store.get_json(self._path)
            return Index.model_validate(document or {}).checkpoints
        except (Terminal, ValidationError) as error:
            _warn(f"{self._path} is not used: {error}")
            return ()

    def _write(self, kept: Sequence[Kept]) -> None:
        self._store.put_json(self._path, Index(checkpoints=tuple(kept)).to_body())


def _warn(message: str) -> None:
    sys.stderr.write(f"warning: {' '.join(message.split())}\n")
    sys.stderr.flush()
