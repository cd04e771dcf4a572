"""What a dataset version is made by: a part of the spec, and the versions of its parents. Pure.

While it stays the same, a version stays the right one, whatever else in the spec changes. Called by
``reconcilers.dataset`` and by ``gitops.digests``.
"""

from mlplane.api.dataset import DatasetSpec, ResolvedInput
from mlplane.api.meta import Body
from mlplane.store.digest import identity_digest

_NOT_IN_IT = ("digest", "refresh", "retention")
"""What is expected of a version, and what becomes of it later."""


def recipe_of(spec: DatasetSpec, inputs: tuple[ResolvedInput, ...] = ()) -> str:
    """The digest of the recipe."""
    return identity_digest(ingredients(spec) | {"inputs": [parent.to_body() for parent in inputs]})


def ingredients(spec: DatasetSpec) -> Body:
    """The part of a spec that decides which version comes of it, and whether that passes its checks."""
    body = {field: value for field, value in spec.to_body().items() if field not in _NOT_IN_IT}
    for field in ("secretRef", "maxSize"):
        body.get("source", {}).pop(field, None)
    # The versions of the parents count, not how they were chosen.
    body.get("derivedFrom", {}).pop("datasets", None)
    return body
