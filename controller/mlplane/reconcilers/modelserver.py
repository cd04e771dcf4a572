"""ModelServer: one InferenceService that serves an approved model version.

Which version is decided here, how to get to it in ``rollout``.
"""

from datetime import datetime

from pydantic import ValidationError

from mlplane import names
from mlplane.adapters.children import is_owned_by
from mlplane.adapters.kserve import served_as, service_for, serving_of
from mlplane.api import Body, ModelServer, ModelVersion
from mlplane.api.applied import is_as, since
from mlplane.api.conditions import is_true, of
from mlplane.api.judgement import PinnedRef
from mlplane.api.modelserver import ModelServerStatus
from mlplane.api.reading import at, named, text
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.records import digest_of, unreadable
from mlplane.reconcilers.rollout import next_step
from mlplane.reconcilers.rolloutstate import Progress, progress_of
from mlplane.reconcilers.state import UNWATCHED, Stalled, State, Waiting, conditions

KIND = ModelServer


def refs(server: ModelServer, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The versions that may be served, and the InferenceService."""
    return (_candidates(server), _service(server))


def plan(server: ModelServer, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Serve the version that is asked for, if it may be served; what serves already goes on until then."""
    choice = _choice(server, observed)
    service = observed.get(_service(server))
    if not isinstance(choice, ModelVersion):
        return Plan(_status(server, choice, now))
    if service is not None and not is_owned_by(service, server):
        message = f'InferenceService "{server.name}" belongs to something else: delete or rename one of them'
        return Plan(_status(server, Stalled(names.DEPLOYING, message), now), requeue_after=UNWATCHED)
    step = next_step(service, served_as(choice, settings), now)
    wanted = service_for(server, step.serving)
    is_made = service is not None and is_as(service, wanted, names.CONTROLLER_MANAGER)
    pinned = PinnedRef(name=choice.name, digest=choice.spec.artifact.digest)
    progress = progress_of(service, step, pinned, _in_place(server, service, observed))
    return Plan(
        _status(server, progress.state, now, progress),
        apply=() if is_made else (since(service, wanted),),
        requeue_after=step.look_again,
    )


def _choice(server: ModelServer, observed: Observed) -> ModelVersion | Waiting | Stalled:
    """The version to serve, or why there is none."""
    bodies = observed.list(_candidates(server))
    if server.spec.model_version is not None:
        return _pinned(server.spec.model_version, bodies)
    model = server.spec.follow.model if server.spec.follow else ""
    versions = sorted(
        (b for b in bodies if at(b, "spec", "model") == model),
        key=lambda b: (text(at(b, "metadata", "creationTimestamp")), named(b)),
        reverse=True,
    )
    approved = (_read(b) for b in versions if is_true(b, names.APPROVED))
    if readable := next((version for version in approved if isinstance(version, ModelVersion)), None):
        return readable
    if versions:
        return _read(versions[0]) if is_true(versions[0], names.APPROVED) else _not_approved(versions[0])
    return Waiting(
        names.MODEL_VERSION_MISSING, f'waits for a version of model "{model}": create a TrainingRun for it'
    )


def _pinned(pin: PinnedRef, bodies: tuple[Body, ...]) -> ModelVersion | Waiting | Stalled:
    found = next((b for b in bodies if at(b, "metadata", "name") == pin.name), None)
    if found is None:
        message = f'waits for ModelVersion "{pin.name}": apply it in the same namespace'
        return Waiting(names.MODEL_VERSION_MISSING, message)
    digest = digest_of(found)
    if digest and digest != pin.digest:
        message = (
            f'ModelVersion "{pin.name}" has digest {digest}, not {pin.digest}: correct spec.modelVersion'
        )
        return Stalled(names.DIGEST_MISMATCH, message)
    if not is_true(found, names.APPROVED):
        return _not_approved(found)
    return _read(found)


_LASTING = (
    names.GATE_FAILED,
    names.EVALUATION_FAILED,
    names.EVALUATION_INCONCLUSIVE,
    names.UNREADABLE_EVALUATION,
)
"""Why a version is not approved, where that stays so until a person acts."""


def _read(version: Body) -> ModelVersion | Waiting:
    try:
        # Its conditions have been read; the rest of its status does not count here.
        return ModelVersion.model_validate({**version, "status": {}})
    except ValidationError:
        return unreadable(version)


def _not_approved(version: Body) -> Waiting | Stalled:
    """A verdict stays as it is until a person acts; a missing one may still come."""
    approved = of(version, names.APPROVED) or {}
    why = text(approved.get("message")) or "it has not been looked at yet"
    state = Stalled if approved.get("reason") in _LASTING else Waiting
    return state(
        names.MODEL_VERSION_NOT_APPROVED,
        f"ModelVersion {named(version)} may not be served: {why}",
    )


def _in_place(server: ModelServer, service: Body | None, observed: Observed) -> PinnedRef | None:
    """The version that the predictor serves, if there is still a record of it."""
    serving = serving_of(service) if service else None
    if serving is None:
        return None
    digest, known = serving.stable.digest, server.status.model_version
    if known is not None and known.digest == digest:
        return known
    found = sorted(
        text(at(b, "metadata", "name")) for b in observed.list(_candidates(server)) if digest_of(b) == digest
    )
    return PinnedRef(name=found[0], digest=digest) if found else None


def _status(
    server: ModelServer, state: State, now: datetime, progress: Progress | None = None
) -> ModelServerStatus:
    more: tuple[tuple[str, bool, str, str], ...] = ()
    if progress and progress.is_rolling:
        type_ = names.STALLED if state.reason == names.ROLLOUT_STALLED else names.RECONCILING
        more = ((type_, True, state.reason, state.message),)
    return ModelServerStatus(
        observed_generation=server.metadata.generation,
        conditions=conditions(server, state, now, *more),
        model_version=progress.version if progress else server.status.model_version,
        url=(progress.url if progress else "") or server.status.url,
    )


def _candidates(server: ModelServer) -> Query:
    return Query(names.API_VERSION, "ModelVersion", server.metadata.namespace or "default")


def _service(server: ModelServer) -> Ref:
    return Ref(
        names.INFERENCE_SERVICE_API_VERSION,
        names.INFERENCE_SERVICE_KIND,
        server.metadata.namespace or "default",
        server.name,
    )
