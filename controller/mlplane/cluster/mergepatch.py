"""What to write so that an object becomes what it should be: JSON merge patches (RFC 7396). Pure.

The controller and the engines of the local plane write status with them, and nothing if nothing changed.
"""

from mlplane.api import Body


def change(old: Body, new: Body) -> Body:
    """The merge patch that makes ``new`` of ``old``; empty if they are the same."""
    patch: Body = {key: None for key in old if key not in new and old[key] is not None}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := change(before, value):
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch
