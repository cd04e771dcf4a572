"""Whether an object is already as it is wanted, so that nothing need be applied. Pure.

It is, if it holds all that is wanted, and its ``managedFields`` say that the manager owns nothing more: a
field that is wanted no longer would go only by being applied without it. Defaults and what others have added
do not count. Used by reconcilers, and by the comparison of the GitOps agent.
"""

from collections.abc import Mapping
from typing import Any

from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, mappings, text


def is_as(found: Body, wanted: Body, manager: str) -> bool:
    """Whether applying ``wanted`` to ``found`` would change nothing that matters."""
    entries = mappings(at(found, "metadata", "managedFields"))
    mine = [e for e in entries if (e.get("manager"), e.get("operation")) == (manager, "Apply")]
    return (
        bool(mine)
        and is_part_of(wanted, found)
        and not any(owns_more(mapping(entry.get("fieldsV1")), wanted) for entry in mine)
    )


def since(found: Body | None, wanted: Body) -> Body:
    """What to apply to ``found``, with what was found as the condition; as it is where nothing was.

    The version is for an object that has changed since, the uid for one that has gone: an apply with a
    version alone makes it again.
    """
    known = {key: value for key in ("resourceVersion", "uid") if (value := text(at(found, "metadata", key)))}
    return wanted | {"metadata": wanted["metadata"] | known}


def is_part_of(wanted: object, found: object) -> bool:
    """Whether all that is wanted is there; maps may hold more, lists may not."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            value is None or (key in found and is_part_of(value, found[key])) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(is_part_of(*pair) for pair in zip(wanted, found, strict=True))
        )
    return wanted == found


def owns_more(owned: Mapping[str, Any], wanted: object) -> bool:
    """Whether managed fields (FieldsV1) name a field that is not in a value.

    Whole items of lists are left to ``is_part_of``, which allows no other than those that are wanted.
    """
    names_owned = {key[2:]: below for key, below in owned.items() if key.startswith("f:")}
    if not isinstance(wanted, dict):
        return bool(names_owned)
    return any(name not in wanted or owns_more(below, wanted[name]) for name, below in names_owned.items())
