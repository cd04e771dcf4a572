"""What the controllers would do because of a change: two futures of one namespace, and how they differ.

One is without the change, the other with it; so what would have happened anyway is not told. Pure; called by
``gitops.planning``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlplane import names
from mlplane.adapters import foretold
from mlplane.api import KINDS
from mlplane.api.conditions import is_true
from mlplane.api.meta import Body
from mlplane.api.planned import Effect, What
from mlplane.api.reading import at, text
from mlplane.api.refs import Ref, ref_of
from mlplane.gitops.differences import Objects
from mlplane.gitops.foresight import Foresight, owner_of, ready_message
from mlplane.gitops.planninganswers import Answering

_WORKFLOW = re.compile('Workflow "[^"]+"')
"""The name of one that does not exist yet says nothing to a person."""
_ENDINGS = {
    "TrainingRun": "it ends if it still runs; the record of what it has made stays",
    "ModelServer": "its endpoint goes",
}
"""What it means that an object goes."""


@dataclass(frozen=True)
class Futures:
    """The namespace as it is, and what becomes of it."""

    start: Objects
    without: Foresight
    changed: Foresight
    """With the change."""
    answering: Answering

    def after(self, ref: Ref) -> str:
        """What an object waits for before something is done for it."""
        return self.worded(self.changed.waited.get(ref, ""))

    def worded_name(self, version: str) -> str:
        """A model version in words, where its name cannot be known yet."""
        return self.answering.stand_ins.get(version, version)

    def worded(self, sentence: str) -> str:
        """The sentence without digests and names that nobody can know yet."""
        for stand_in, meaning in self.answering.stand_ins.items():
            sentence = sentence.replace(f'ModelVersion "{stand_in}"', meaning).replace(stand_in, meaning)
        return _WORKFLOW.sub("a Workflow", sentence)

    def new_workflows(self) -> Iterator[tuple[Ref, Body]]:
        """The Workflows that are there only with the change, and whose each is."""
        for ref, body in self.changed.made.items():
            owner = owner_of(body, self.changed.world.objects)
            if ref.kind == names.WORKFLOW_KIND and ref not in self.without.made and owner:
                yield ref, owner


def effects(futures: Futures) -> tuple[Effect, ...]:
    """What would be done, by kind in the order of the data flow, then by name."""
    found = [*_work(futures), *_endings(futures), *_servers(futures)]
    busy = {(effect.kind, effect.name) for effect in found}
    found += [e for e in _standstills(futures) if e.what == "Stalls" or (e.kind, e.name) not in busy]
    return tuple(sorted(found, key=lambda effect: ([*KINDS].index(effect.kind), effect.name)))


def _work(futures: Futures) -> Iterator[Effect]:
    """Workflows that would start."""
    for _, owner in futures.new_workflows():
        name = text(at(owner, "metadata", "name"))
        match owner["kind"]:
            case "Dataset":
                yield _effect(futures, owner, "Reads", _reading(futures, owner))
            case "TrainingRun" if futures.answering.is_stored(name):
                message = "the store has the result of this work, which is judged and published"
                yield _effect(futures, owner, "Reuses", message)
            case "TrainingRun":
                yield _effect(futures, owner, "Trains", _training(futures, owner))
            case _ if at(owner, "spec", "recorded"):
                yield _effect(futures, owner, "Verifies", "its record against the report in the store")
            case _:
                version = at(owner, "spec", "modelVersion", "name")
                yield _effect(futures, owner, "Judges", f"ModelVersion {version}")


def _reading(futures: Futures, dataset: Body) -> str:
    old = futures.without.world.objects.get(ref_of(dataset))
    if old is None:
        return "its source for the first time"
    digests = [text(at(body, "status", "digest")) for body in (old, dataset)]
    if is_true(dataset, names.READY) and digests[0] == digests[1]:
        return "its source again; the digest stays if the bytes are the same"
    return "its source again, for a new version; runs that have finished keep the old one"


def _training(futures: Futures, run: Body) -> str:
    spec = run["spec"]
    gpus = spec.get("gpus") or 0
    with_ = f", with {gpus} x {spec.get('gpuType') or 'GPU'}" if gpus else ""
    return f"model {spec['model']} on Dataset {spec['dataset']['name']}{with_}{_trials(futures, run)}"


def _trials(futures: Futures, run: Body) -> str:
    sweep = run["spec"].get("sweep")
    if not sweep:
        return ""
    works = futures.answering.works.get(run["metadata"]["name"], [])
    stored = sum(bool(work.trained) for work in works)
    known = f", {stored} of them are in the store" if stored else ""
    return f"; {len(works)} trials, {sweep.get('parallelism') or 1} at a time{known}"


def _endings(futures: Futures) -> Iterator[Effect]:
    """Runs that would be stopped, and what goes with its manifest."""
    after = futures.changed.world.objects
    for ref, body in futures.start.items():
        if ref.kind in _ENDINGS and ref not in after:
            yield _effect(futures, body, "Stops", _ENDINGS[ref.kind])
        workflow = after.get(ref)
        if ref.kind != names.WORKFLOW_KIND or workflow is None or not foretold.is_running(body):
            continue
        owner = owner_of(workflow, after)
        if owner and foretold.is_stopped(workflow) and not foretold.is_stopped(body):
            message = "if it still runs, its GPUs are freed, and its checkpoints stay"
            yield _effect(futures, owner, "Stops", message)


def _servers(futures: Futures) -> Iterator[Effect]:
    """Endpoints that would come, or answer with another model."""
    before, after = futures.without.world.objects, futures.changed.world.objects
    for ref in after:
        if ref.kind != "ModelServer":
            continue
        service = Ref(
            names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND, ref.namespace, ref.name
        )
        old, new = (foretold.served_digest(side.get(service)) for side in (before, after))
        if new in (old, ""):
            continue
        what: What = "RollsOut" if old else "Serves"
        yield _effect(futures, after[ref], what, _serving(futures, after[ref], before.get(ref)))


def _serving(futures: Futures, server: Body, old: Body | None) -> str:
    """The version that would be served, and the one that it takes the place of."""
    new, before = (text(at(side, "status", "modelVersion", "name")) for side in (server, old))
    meaning = futures.answering.stand_ins.get(new)
    version = f"{meaning}, if it passes its gates" if meaning else new
    return f"{version}; until then {futures.worded_name(before)} answers" if before else version


def _standstills(futures: Futures) -> Iterator[Effect]:
    """Objects that would not get ready, and Datasets that stay as they are though they were changed."""
    before, after = futures.without.world.objects, futures.changed.world.objects
    for ref, body in after.items():
        if ref.api_version != names.API_VERSION:
            continue
        message = ready_message(body)
        is_ready = is_true(body, names.READY)
        old = before.get(ref)
        if not is_ready and (old is None or ready_message(old) != message):
            what: What = "Stalls" if is_true(body, names.STALLED) else "Waits"
            yield _effect(futures, body, what, futures.worded(message))
        elif ref.kind == "Dataset" and is_ready and old and old["spec"] != body["spec"]:
            yield _effect(
                futures, body, "Keeps", "what changed does not decide it, so that nothing is read again"
            )


def _effect(futures: Futures, body: Body, what: What, message: str) -> Effect:
    ref = ref_of(body)
    after = (
        futures.after(ref) if what in ("Reads", "Trains", "Reuses", "Judges", "Verifies", "Serves") else ""
    )
    return Effect(what=what, kind=ref.kind, name=ref.name, message=message, after=after)
