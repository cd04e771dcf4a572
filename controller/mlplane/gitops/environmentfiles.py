"""The manifests of one environment at a commit: its servers and records, and the file of each.

Pure. Called by ``gitops.promotion``, ``gitops.rollback`` and ``gitops.promotionchecks``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from mlplane import names
from mlplane.api.meta import Body
from mlplane.api.promotion import Environment
from mlplane.api.reading import at, text
from mlplane.errors import InvalidInput
from mlplane.gitops.manifest import load
from mlplane.gitops.serverpins import pin_of

_VERSION = re.compile(r"(?P<model>[a-z][-a-z0-9]*)-[0-9a-f]{8}")
"""Name of a ModelVersion that mlplane has made."""


@dataclass(frozen=True)
class EnvironmentFiles:
    """An environment's manifests."""

    environment: Environment
    texts: Mapping[str, str]
    """By path in the repository."""

    @cached_property
    def bodies(self) -> Mapping[str, Body]:
        """The objects of mlplane in them.

        Raises:
            InvalidInput: A file cannot be read; nobody knows what stands in it.
        """
        found = {file: load(content, file) for file, content in self.texts.items()}
        return {
            file: documents[0].body
            for file, documents in found.items()
            if documents and documents[0].body.get("apiVersion") == names.API_VERSION
        }

    def of_kind(self, kind: str) -> Iterator[tuple[str, Body]]:
        """File and object of each of a kind."""
        return ((file, body) for file, body in self.bodies.items() if body.get("kind") == kind)

    def find(self, kind: str, name: str) -> tuple[str, Body] | None:
        """File and object of that name; None if there is none."""
        found = (each for each in self.of_kind(kind) if at(each[1], "metadata", "name") == name)
        return next(found, None)

    def versions(self, model: str) -> dict[str, str]:
        """File of each version of a model, by the version's name."""
        return {
            text(at(body, "metadata", "name")): file
            for file, body in self.of_kind("ModelVersion")
            if at(body, "spec", "model") == model
        }

    def evaluations_of(self, version: str) -> dict[str, Body]:
        """The evaluations that speak of a version, by file."""
        return {
            file: body
            for file, body in self.of_kind("Evaluation")
            if at(body, "spec", "modelVersion", "name") == version
        }

    def server_of(self, model: str) -> tuple[str, Body] | None:
        """File and object of the server that serves a model here; None if there is none yet.

        Raises:
            InvalidInput: There are several, so that it is not known which of them is meant.
        """
        found = [(file, body) for file, body in self.of_kind("ModelServer") if self._model_of(body) == model]
        if len(found) > 1:
            listed = ", ".join(file for file, _ in found)
            raise InvalidInput(
                f"{self.environment.name} has several servers of model {model} ({listed}): pin those by hand"
            )
        return found[0] if found else None

    def _model_of(self, server: Body) -> str:
        """The model that a server serves: of the version that it pins, or of the policy that it follows."""
        if followed := text(at(server, "spec", "follow", "model")):
            return followed
        pinned = text(at(server, "spec", "modelVersion", "name"))
        if version := self.find("ModelVersion", pinned):
            return text(at(version[1], "spec", "model"))
        made = _VERSION.fullmatch(pinned)
        return made["model"] if made else text(at(server, "metadata", "name"))


def pins_of(files: EnvironmentFiles) -> dict[str, tuple[str, str]]:
    """Version and digest that each server pins, by the server's file."""
    found = {file: pin_of(body) for file, body in files.of_kind("ModelServer")}
    return {file: (pin.name, pin.digest) for file, pin in found.items() if pin}
