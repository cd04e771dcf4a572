"""``mlplane.load``: a model version as an object that predicts, in a notebook or a script.

The version is looked up in the cluster that kubectl would talk to, its files come from the store, and nothing
is loaded before their digest is what the version says. A digest alone needs no cluster.
"""

import asyncio
import re
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from mlplane import names
from mlplane.api import Body
from mlplane.api.conditions import is_true
from mlplane.api.modelversion import Signature
from mlplane.api.reading import at, text
from mlplane.api.refs import Query
from mlplane.errors import InvalidInput, SystemFault, Terminal
from mlplane.store.artifacts import Store
from mlplane.store.uris import uri_of
from mlplane.whereabouts import found, store_url

if TYPE_CHECKING:
    import numpy as np

    from mlplane.serving.artifact import Predictor

ResultT = TypeVar("ResultT")
_REFERENCE = re.compile(r"(?P<model>[a-z0-9]([-a-z0-9]*[a-z0-9])?)(@(?P<version>[-a-z0-9:]+))?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SOME = 8
"""Versions that a message lists."""


@dataclass(frozen=True)
class Chosen:
    """The version that was meant."""

    name: str
    uri: str
    digest: str


class Model:
    """A model version, loaded."""

    name: str
    """Of the ModelVersion; of the model, where it was asked for by its digest."""
    digest: str
    """Of its files, ``sha256:<hex>``."""
    signature: Signature
    """Names, types and shapes of what it takes and gives."""

    def __init__(self, name: str, digest: str, predictor: "Predictor", signature: Signature) -> None:
        self.name, self.digest, self.signature = name, digest, signature
        self._predictor = predictor

    def __repr__(self) -> str:
        taken = ", ".join(f"{t.name} {t.datatype}{list(t.shape)}" for t in self.signature.inputs)
        given = ", ".join(f"{t.name} {t.datatype}{list(t.shape)}" for t in self.signature.outputs)
        return f"<{self.name} {self.digest[:19]}: {taken} -> {given}>"

    def predict(self, inputs: Mapping[str, Any]) -> "dict[str, np.ndarray[Any, Any]]":
        """What the model answers, as the model server would.

        Args:
            inputs: For each input by its name some rows: an array, or nested lists of numbers.

        Returns:
            An array for each output by its name, with a row for each row of the inputs.

        Raises:
            InvalidInput: an input is missing, unknown, or not of the type and shape of the signature.
        """
        from mlplane.serving.tensors import tensor_of

        wanted = self._predictor.interface.inputs
        known = [each.name for each in wanted]
        if sorted(inputs) != sorted(known):
            raise InvalidInput(
                f"the inputs are {', '.join(inputs) or 'none'}; {self.name} takes {', '.join(known)}"
            )
        outputs = self._predictor([tensor_of(inputs[each.name], each) for each in wanted])
        return {spec.name: array for spec, array in zip(self.signature.outputs, outputs, strict=True)}


def load(reference: str) -> Model:
    """Load a model version.

    Args:
        reference: ``MODEL@VERSION``, where the version is the name of a ModelVersion, the last part of its
            name, or the digest ``sha256:…`` of its files; ``MODEL`` alone is its newest approved version.

    Raises:
        InvalidInput: the reference is none, or no cluster or store is known.
        Terminal: there is no such version, or its files are not there or not what they should be.
        Transient: cluster or store fail.
    """
    chosen = _chosen(reference)
    load_predictor = _needed("serving.artifact", "training").load_predictor
    with TemporaryDirectory(prefix="mlplane-") as name:
        folder = Path(name)
        Store(store_url("", None, give="")).get(chosen.uri, folder)
        predictor = load_predictor(folder, chosen.digest)
        signature = Signature.model_validate_json((folder / "signature.json").read_bytes())
    return Model(chosen.name, chosen.digest, predictor, signature)


def _chosen(reference: str) -> Chosen:
    parts = _REFERENCE.fullmatch(reference)
    if parts is None:
        raise InvalidInput(
            f"{reference!r} is no model version; allowed: MODEL, MODEL@NAME or MODEL@sha256:DIGEST, such as "
            "digits@digits-03b3d497"
        )
    model, version = parts["model"], parts["version"] or ""
    if ":" not in version:
        return choose(_finished(_versions()), model, version)
    if not _DIGEST.fullmatch(version):
        raise InvalidInput(f"{version!r} is no digest; allowed: sha256: and 64 hexadecimal digits")
    return Chosen(model, uri_of("models", model, version), version)


def choose(versions: Sequence[Body], model: str, version: str) -> Chosen:
    """The version that is meant, of those of a cluster.

    Args:
        versions: ModelVersions.
        model: Name of the model.
        version: Name of the version or the last part of it; empty for the newest that is approved.

    Raises:
        Terminal: there is none; says which there are.
    """
    bodies = [body for body in versions if at(body, "spec", "model") == model]
    bodies.sort(key=lambda b: (text(at(b, "metadata", "creationTimestamp")), _name(b)), reverse=True)
    if version:
        meant = [body for body in bodies if _name(body) in (version, f"{model}-{version}")]
        why = f"no ModelVersion {version!r} of the model {model!r}"
    else:
        meant = [body for body in bodies if is_true(body, names.APPROVED)]
        why = f"no approved ModelVersion of the model {model!r}"
    if not meant:
        raise Terminal(f"there is {why} in the namespace of the kubeconfig; there are: {_listed(bodies)}")
    artifact = at(meant[0], "spec", "artifact")
    return Chosen(_name(meant[0]), text(at(artifact, "uri")), text(at(artifact, "digest")))


def _name(body: Body) -> str:
    return text(at(body, "metadata", "name"))


def _listed(bodies: Sequence[Body]) -> str:
    more = [f"and {len(bodies) - _SOME} more"] if len(bodies) > _SOME else []
    return ", ".join([*map(_name, bodies[:_SOME]), *more]) or "none"


async def _versions() -> list[Body]:
    connect = _needed("cluster.kube", "controller").connect
    async with connect(found(None)) as cluster:
        listed: list[Body] = await cluster.list(Query(names.API_VERSION, "ModelVersion", cluster.namespace))
        return listed


def _finished(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of a coroutine; in a thread of its own, for a notebook runs in a loop already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def _needed(module: str, extra: str) -> Any:
    """A part of mlplane that needs more than is always installed."""
    from importlib import import_module

    try:
        return import_module(f"mlplane.{module}")
    except ImportError as error:
        raise SystemFault(
            f"mlplane.load needs {error.name}, which is not installed: pip install 'mlplane[{extra}]'"
        ) from error
