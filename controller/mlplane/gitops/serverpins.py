"""The one pin in the manifest of a ModelServer: read, and moved with all else left as it is. Pure.

Called by ``gitops.promotion``, ``gitops.promotionlog`` and ``gitops.rollback``.
"""

from pydantic import ValidationError

from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, text
from mlplane.errors import InvalidInput
from mlplane.gitops.manifest import load
from mlplane.gitops.pins import child, composed, replaced, scalar


def pin_in(content: str, file: str) -> PinnedRef | None:
    """What a manifest pins; None if it is no ModelServer, or follows a policy.

    Raises:
        InvalidInput: It cannot be read.
    """
    for document in load(content, file):
        if document.body.get("kind") == "ModelServer":
            return pin_of(document.body)
    return None


def pin_of(server: object) -> PinnedRef | None:
    """The pin of a ModelServer; None if it has none that can be read."""
    found = mapping(at(server, "spec", "modelVersion"))
    try:
        return PinnedRef(name=text(found.get("name")), digest=text(found.get("digest")))
    except ValidationError:
        return None


def with_pin(content: str, file: str, pin: PinnedRef) -> str:
    """The manifest with another pin, and else to the letter.

    Raises:
        InvalidInput: The pin is written in a way that cannot be changed in place; says what to do.
    """
    (document,) = composed(content, file)
    version = child(child(document, "spec"), "modelVersion")
    name, digest = (scalar(child(version, key), content) for key in ("name", "digest"))
    if name is None or digest is None:
        raise InvalidInput(f"{file}: spec.modelVersion has no name and digest to change: write both")
    changed = replaced(content, {name: pin.name, digest: pin.digest})
    (before,) = load(content, file)
    if _body(changed, file) != before.body | {"spec": before.body["spec"] | {"modelVersion": pin.to_body()}}:
        raise InvalidInput(
            f"{file}: the pin in spec.modelVersion is shared with another place by an alias: write it out"
        )
    return changed


def _body(content: str, file: str) -> Body | None:
    try:
        return load(content, file)[0].body
    except InvalidInput:
        return None
