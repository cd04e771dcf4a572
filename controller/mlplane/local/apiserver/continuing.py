"""Continue tokens: where the next page of a list begins, and of which revision it is. Pure.

A token says all that is needed, so the server keeps nothing for a list that is read in pages.
"""

import base64
import binascii
import json
import posixpath
import re
from dataclasses import dataclass

from mlplane.local.apiserver import gojson
from mlplane.local.apiserver.statuses import ApiError, bad_request

NEWEST = -1
"""Stands for the revision of a list that goes on although the state of its first page is forgotten."""
_FORM = "meta.k8s.io/v1"
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on."""

    revision: int
    start: str
    """The first name that is wanted; ``namespace/name`` in a list of all namespaces."""

    @classmethod
    def after(cls, revision: int, name: str) -> "Place":
        """The place behind a name."""
        return cls(revision, f"{name}\0")

    def token(self) -> str:
        """The token that clients send back."""
        text = json.dumps({"v": _FORM, "rv": self.revision, "start": self.start}, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(token: str) -> Place:
    """What a token says.

    Raises:
        ApiError: 400 if it is none.
    """
    if wrong := _NOT_BASE64.search(token):
        raise _invalid(f"illegal base64 data at input byte {wrong.start()}")
    try:
        found = gojson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except binascii.Error:
        raise _invalid(f"illegal base64 data at input byte {len(token)}") from None
    except ValueError as error:
        raise _invalid(str(error)) from None
    found = found if isinstance(found, dict) else {}
    form, revision, start = found.get("v", ""), found.get("rv", 0), found.get("start", "")
    if form != _FORM:
        raise _invalid(f"server does not recognize this encoded version {form}")
    if not isinstance(revision, int) or revision == 0:
        raise _invalid(f"incorrect encoded start resourceVersion (version {_FORM})")
    if not isinstance(start, str) or not start:
        raise _invalid(f"encoded start key empty (version {_FORM})")
    rooted = f"/{start.removeprefix('/')}"
    if posixpath.normpath(rooted) != rooted:
        raise _invalid(start)
    return Place(revision, rooted[1:])


def _invalid(why: str) -> ApiError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")
