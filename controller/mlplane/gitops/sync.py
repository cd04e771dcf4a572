"""What the GitOps agent must do to make a namespace agree with a commit: values in, values out.

Called by ``local.agent``.
"""

import hashlib
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass

from mlplane import names
from mlplane.api.applied import is_part_of, owns_more
from mlplane.api.meta import Body
from mlplane.api.refs import ref_of
from mlplane.errors import Terminal
from mlplane.gitops import trailers

CONFIRMED = "confirmed"
"""What the trailer ``Mlplane-Prune`` has to say."""
RECORD = "mlplane-gitops"
"""ConfigMap with the outcome of the newest sync: commit, time, outcome, errors, source, applied, synced."""


@dataclass(frozen=True)
class Sync:
    """What has to be applied, and what has to be deleted because it is in the commit no more."""

    apply: tuple[Body, ...]
    prune: tuple[Body, ...]


def source_of(identity: str, path: str) -> str:
    """Value of ``SOURCE_LABEL`` for a path of a repository."""
    return hashlib.sha256(f"{identity}//{path}".encode()).hexdigest()[:16]


def prepared(manifest: Body, *, namespace: str, source: str) -> Body:
    """The manifest as it is applied, but for the commit.

    Raises:
        Terminal: The manifest names another namespace than the one that is synchronised.
    """
    body = deepcopy(manifest)
    meta = body["metadata"]
    if meta.setdefault("namespace", namespace) != namespace:
        where = f"{body['kind']}/{meta['name']}"
        raise Terminal(
            f"{where} names namespace {meta['namespace']}, not {namespace}: leave metadata.namespace out"
        )
    meta["labels"] = {**(meta.get("labels") or {}), names.SOURCE_LABEL: source}
    return body


def at_commit(body: Body, commit: str) -> Body:
    """The object with the annotation that says which commit it was applied from."""
    meta = body["metadata"]
    annotations = {**(meta.get("annotations") or {}), names.COMMIT_ANNOTATION: commit}
    return {**body, "metadata": {**meta, "annotations": annotations}}


def plan(desired: Iterable[Body], live: Iterable[Body], *, may_prune: bool = False) -> Sync:
    """Compare what should be with what is, by what the server alone knows, so that a restart changes nothing.

    Args:
        desired: Prepared manifests of the commit.
        live: Objects that carry the source label, with their managed fields.
        may_prune: Whether somebody has confirmed that most of them may go.

    Raises:
        Terminal: Most of what is live would be deleted, and nobody has confirmed it.
    """
    wanted = {ref_of(body): body for body in desired}
    present = {ref_of(body): body for body in live}
    staying = {ref: body for ref, body in present.items() if not _is_deleting(body)}
    gone = [body for ref, body in staying.items() if ref not in wanted]
    if not may_prune:
        guard_prune(len(gone), len(staying), is_all=not wanted)
    changed = [body for ref, body in wanted.items() if _differs(body, present.get(ref))]
    return Sync(tuple(changed), tuple(gone))


def guard_prune(gone: int, present: int, *, is_all: bool = False) -> None:
    """Whether so many of the objects that are there may be deleted at once.

    Args:
        gone: How many would be deleted.
        present: How many there are.
        is_all: Whether nothing takes their place. Else one object may always go.

    Raises:
        Terminal: It is most of them: rather a wrong path or revision than a wish.
    """
    if 2 * gone > present and (gone > 1 or is_all):
        raise Terminal(
            f"refused to delete {gone} of {present} objects at once, nothing was applied: check path and "
            "revision; if they are to go, say so in a commit with the trailer "
            f'"{trailers.PRUNE}: {CONFIRMED}"'
        )


def _differs(wanted: Body, found: Body | None) -> bool:
    """Whether something of the manifest is not there, or something is there that was in it earlier."""
    if found is None or not is_part_of(wanted, found):
        return True
    entries = found["metadata"].get("managedFields") or ()
    mine = [e for e in entries if (e["manager"], e["operation"]) == (names.GITOPS_MANAGER, "Apply")]
    return not mine or any(owns_more(e.get("fieldsV1") or {}, at_commit(wanted, "any")) for e in mine)


def _is_deleting(body: Body) -> bool:
    return bool(body["metadata"].get("deletionTimestamp"))
