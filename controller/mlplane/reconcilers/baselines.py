"""The model version that another one is compared with: named, or what a ModelServer serves. Pure.

Called by the reconcilers of TrainingRun and Evaluation.
"""

from mlplane import names
from mlplane.api.judgement import Baseline, PinnedRef
from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.plan import Observed
from mlplane.reconcilers.records import digest_of
from mlplane.reconcilers.state import Stalled, Waiting
from mlplane.tasks import BaselineModel


def baseline_refs(baseline: Baseline | None, namespace: str) -> tuple[Ref | Query, ...]:
    """What has to be read to know the baseline."""
    if baseline is None:
        return ()
    server = (_server(baseline, namespace),) if baseline.model_server else ()
    return (*server, _versions(namespace))


def baseline_missing(
    baseline: Baseline | None, namespace: str, observed: Observed
) -> Waiting | Stalled | None:
    """The server or the version that is named does not exist (yet), or is not the one that is pinned."""
    if baseline is None:
        return None
    pin = _pin(baseline, namespace, observed)
    if pin is None:
        return _server_missing(baseline, namespace, observed)
    version = _version(pin, namespace, observed)
    if version is None:
        return Waiting(names.BASELINE_MISSING, f'waits for ModelVersion "{pin.name}", the baseline')
    if digest_of(version) != pin.digest:
        message = (
            f'ModelVersion "{pin.name}", the baseline, has digest {digest_of(version)}, not {pin.digest}'
        )
        return Stalled(names.DIGEST_MISMATCH, message)
    return None


def _server_missing(baseline: Baseline, namespace: str, observed: Observed) -> Waiting | None:
    """No server that is known to serve nothing: one without a status may have been made anew."""
    server, name = observed.get(_server(baseline, namespace)), _server(baseline, namespace).name
    if server is None:
        message = f'waits for ModelServer "{name}", the baseline: apply it as well'
        return Waiting(names.BASELINE_MISSING, message)
    if at(server, "status", "observedGeneration") is None:
        message = f'waits for ModelServer "{name}", the baseline: it has not been looked at yet'
        return Waiting(names.BASELINE_MISSING, message)
    return None


def baseline_model(baseline: Baseline | None, namespace: str, observed: Observed) -> BaselineModel | None:
    """The version to compare with; None if none is wanted, or the server serves nothing yet."""
    pin = _pin(baseline, namespace, observed) if baseline else None
    version = _version(pin, namespace, observed) if pin else None
    if pin is None or version is None:
        return None
    return BaselineModel(version=pin, model=text(at(version, "spec", "model")))


def _pin(baseline: Baseline, namespace: str, observed: Observed) -> PinnedRef | None:
    if baseline.model_version:
        return baseline.model_version
    status = at(observed.get(_server(baseline, namespace)), "status", "modelVersion")
    name, digest = text(at(status, "name")), text(at(status, "digest"))
    return PinnedRef(name=name, digest=digest) if name and digest else None


def _version(pin: PinnedRef, namespace: str, observed: Observed) -> Body | None:
    bodies = observed.list(_versions(namespace))
    return next((body for body in bodies if at(body, "metadata", "name") == pin.name), None)


def _versions(namespace: str) -> Query:
    return Query(names.API_VERSION, "ModelVersion", namespace)


def _server(baseline: Baseline, namespace: str) -> Ref:
    name = baseline.model_server.name if baseline.model_server else ""
    return Ref(names.API_VERSION, "ModelServer", namespace, name)
