"""What no schema can say of an InferenceService: rules between its fields.

KServe's admission webhook refuses such objects; this plane has no webhooks, so the status says it. Pure;
called by ``engine`` for services that fit the schema.
"""

from collections.abc import Iterator
from itertools import pairwise

from mlplane.api.meta import Body
from mlplane.local.inference.variants import canaries_of, stable_of

MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
_LONGEST_LABEL = 63
_APP_PREFIX = "isvc."


def broken_rules(service: Body) -> list[str]:
    """A sentence for each rule that a service breaks: where, what was found, what is allowed."""
    return [
        *_scaling(service),
        *_names(service),
        *(_canaries(service) if service["spec"].get("canary") else ()),
    ]


def _scaling(service: Body) -> Iterator[str]:
    predictor = service["spec"]["predictor"]
    minimum, maximum = predictor.get("minReplicas", 1), predictor.get("maxReplicas")
    if maximum is not None and maximum != minimum:
        yield (
            f"spec.predictor.maxReplicas: found {maximum}; supported is {minimum} (minReplicas), because "
            "nothing scales predictors here"
        )


def _names(service: Body) -> Iterator[str]:
    variants = [stable_of(service), *canaries_of(service)]
    for variant in variants:
        label = f"{_APP_PREFIX}{variant.workload}"
        if len(label) > _LONGEST_LABEL:
            yield (
                f"metadata.name and predictor.name: {variant.workload!r} is longer than "
                f"{_LONGEST_LABEL - len(_APP_PREFIX)} characters; take shorter names"
            )
    names = sorted(variant.name for variant in variants)
    for name in sorted({a for a, b in pairwise(names) if a == b}):
        yield f"predictor.name: found {name!r} twice; each predictor and canary must have a name of its own"


def _canaries(service: Body) -> Iterator[str]:
    mode = (service["metadata"].get("annotations") or {}).get(MODE_ANNOTATION)
    if mode != "Standard":
        yield f"spec.canary: the annotation {MODE_ANNOTATION} must say Standard; found {mode or 'nothing'}"
    total = sum(canary["trafficPercent"] for canary in service["spec"]["canary"])
    if total > 100:
        yield f"spec.canary: the sum of trafficPercent is {total}; at most 100 is allowed"
    most = service["spec"]["predictor"].get("minReplicas", 1)
    for index, canary in enumerate(service["spec"]["canary"]):
        wanted = canary["predictor"].get("minReplicas", 1)
        if wanted > most:
            yield (
                f"spec.canary[{index}].predictor.minReplicas: found {wanted}; at most {most} is allowed, the "
                "stable predictor's"
            )
