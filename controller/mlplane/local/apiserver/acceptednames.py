"""The names of custom kinds: within a group, each belongs to the definition that had it first. Pure.

``objects`` settles them whenever a definition is written; ``collect`` does it again for those that were
refused a name once another definition has changed. What is served are the accepted names.
"""

from collections.abc import Iterable, Iterator

from mlplane.local.apiserver import crds
from mlplane.local.apiserver.statuses import Body

MANAGER = "kube-apiserver"
"""Who the status of a definition belongs to, as on a real cluster."""


def settle(crd: Body, others: Iterable[Body], now: str) -> Body:
    """A definition with the status that its names come to: served if they are its own.

    Args:
        crd: A definition that was checked.
        others: The other definitions.
        now: Present time, RFC 3339.
    """
    group = crd["spec"]["group"]
    accepted = [
        each["status"].get("acceptedNames") or {} for each in others if each["spec"]["group"] == group
    ]
    status = {**crd["status"], "conditions": list(crd["status"].get("conditions") or ())}
    names, refused = _names(crd["spec"]["names"], status.get("acceptedNames") or {}, accepted)
    status["acceptedNames"] = names
    reason, message = refused or ("NoConflicts", "no conflicts found")
    crds.set_condition(status, "NamesAccepted", reason, message, now, "False" if refused else "True")
    if not refused:
        why = "the initial names have been accepted"
        crds.set_condition(status, "Established", "InitialNamesAccepted", why, now)
    elif not crds.is_established(crd):
        crds.set_condition(status, "Established", "NotAccepted", "not all names are accepted", now, "False")
    return {**crd, "status": status}


def are_refused(crd: Body) -> bool:
    """Whether a definition waits for names that others have."""
    conditions = crd["status"].get("conditions") or ()
    return any(each["type"] == "NamesAccepted" and each["status"] == "False" for each in conditions)


def _names(wanted: Body, before: Body, others: list[Body]) -> tuple[Body, tuple[str, str] | None]:
    """The names that a definition has now, and why it has not all of them: reason and message."""
    resources = {name for each in others for name in _resource_names(each)}
    kinds = {each.get(key) for each in others for key in ("kind", "listKind")}
    result, refused = {"kind": "", "plural": "", **before}, None
    for key, taken, reason in (
        ("plural", resources, "PluralConflict"),
        ("singular", resources, "SingularConflict"),
        ("shortNames", resources, "ShortNamesConflict"),
        ("kind", kinds, "KindConflict"),
        ("listKind", kinds, "ListKindConflict"),
    ):
        own = _listed(before.get(key))
        used = [f'"{name}" is already in use' for name in _listed(wanted.get(key)) if name in taken - {*own}]
        if used:  # the real server tells of the last one too
            refused = (reason, used[0] if len(used) == 1 else f"[{', '.join(used)}]")
        else:
            result[key] = wanted.get(key)
    result["categories"] = wanted.get("categories")
    return {key: value for key, value in result.items() if value is not None}, refused


def _resource_names(names: Body) -> Iterator[str]:
    yield from (names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ()))


def _listed(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []
