"""Why an InferenceService cannot be planned at all, with the reasons that KServe has for it.

Pure; the first reason that applies is the one that is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mlplane.api.meta import Body
from mlplane.local.inference.variants import Variant, canaries_of, stable_of

INVALID_SPEC = "InvalidPredictorSpec"


@dataclass(frozen=True)
class Refusal:
    """Why a service cannot be planned; ``reason`` is one of KServe's."""

    reason: str
    message: str


def refusal_of(service: Body, runtimes: Mapping[str, Body], problems: tuple[str, ...]) -> Refusal | None:
    """Why nothing can be planned.

    Args:
        service: The InferenceService.
        runtimes: All ClusterServingRuntimes, by name.
        problems: What in them is not supported.
    """
    if problems:
        return Refusal(INVALID_SPEC, "; ".join(problems))
    for variant in (stable_of(service), *canaries_of(service)):
        if refusal := _runtime_refusal(variant, runtimes):
            return refusal
    return None


def _runtime_refusal(variant: Variant, runtimes: Mapping[str, Body]) -> Refusal | None:
    model = variant.predictor["model"]
    name = model["runtime"]
    runtime = runtimes.get(name)
    if runtime is None:
        return Refusal("RuntimeNotRecognized", f"there is no ClusterServingRuntime {name!r}; apply it")
    spec = runtime["spec"]
    if spec.get("disabled"):
        return Refusal("RuntimeDisabled", f"ClusterServingRuntime {name!r} is disabled")
    protocols = spec.get("protocolVersions") or ()
    if protocols and (protocol := model.get("protocolVersion")) and protocol not in protocols:
        return _unsupported(name, f"protocol version {protocol!r}", protocols)
    formats = [f["name"] for f in spec["supportedModelFormats"]]
    if (wanted := model["modelFormat"]["name"]) not in formats:
        return _unsupported(name, f"model format {wanted!r}", formats)
    return None


def _unsupported(name: str, what: str, supported: list[str] | tuple[str, ...]) -> Refusal:
    known = ", ".join(supported) or "none"
    message = f"ClusterServingRuntime {name!r} does not support {what}; it supports {known}"
    return Refusal("NoSupportingRuntime", message)
