"""What all rendered objects share: names, labels, owner references, and stores resolved to URLs."""

import hashlib
import json

from mlplane import names
from mlplane.api.meta import Body, Resource
from mlplane.api.reading import at, mappings


def owner_reference(owner: Resource) -> Body:
    """The controller reference to the object that a child belongs to, so that it goes with it."""
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def labels_for(owner: Resource) -> dict[str, str]:
    """Labels that say whose child an object is."""
    return {names.OWNER_KIND_LABEL: owner.kind, names.OWNER_NAME_LABEL: owner.name}


def is_owned_by(child: Body, owner: Resource) -> bool:
    """Whether the owner, and not an earlier object of its name, controls the child."""
    return (controller_of(child) or {}).get("uid") == owner.metadata.uid


def controller_of(child: Body) -> Body | None:
    """The reference to the object that controls this one; None if nothing does."""
    references = mappings(at(child, "metadata", "ownerReferences"))
    return next((reference for reference in references if reference.get("controller")), None)


def short_hash(value: object) -> str:
    """Eight hexadecimal digits that stand for a JSON value in a name."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def short_digest(digest: str) -> str:
    """The first eight hexadecimal digits of ``sha256:<hex>``, for names."""
    return digest.removeprefix("sha256:")[:8]
