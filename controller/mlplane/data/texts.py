"""Values out of text, as CSV has them.

An empty field is a missing value; of a String that may not be missing, it is the empty string. Spaces around
what is neither a String nor Binary do not count. The forms are:

    Integer     digits with an optional sign: 7, -7, +007
    Number      decimal, with an optional exponent: 7, .5, 1., -2.5e-3; never NaN or Infinity
    Boolean     true, True, TRUE, false, False, FALSE
    Timestamp   2024-05-01, 2024-05-01T08:30, 2024-05-01 08:30:15.123456, each but the first with an optional
                Z, +02:00 or +0200; without one it is UTC
    Binary      base64 (RFC 4648)
"""

import base64
import binascii

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import VALUE_TYPES
from mlplane.data.values import Flags, Values, cast, flags_of, without

_FORMS = {
    "Integer": r"^[+-]?[0-9]+$",
    "Number": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$",
    "Boolean": r"^(true|True|TRUE|false|False|FALSE)$",
    "Timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$",
}
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"


def parse(texts: pa.Array, column: DataColumn) -> Values:
    """The values of a column out of the fields of a batch.

    Args:
        texts: Strings, none of them null.
        column: What they are to be.
    """
    target = VALUE_TYPES[column.type]
    if column.type in ("String", "Binary"):
        if column.nulls == "Allowed":
            texts = without(texts, flags_of(pc.equal(texts, "")))
        return cast(texts, target) if column.type == "String" else decode(texts)
    trimmed = pc.ascii_trim_whitespace(texts)
    return parse_form(without(trimmed, flags_of(pc.equal(trimmed, ""))), column.type)


def parse_form(texts: pa.Array, kind: str) -> Values:
    """Values of a type that has a form: Integer, Number, Boolean or Timestamp; null stays null."""
    bad = flags_of(pc.invert(pc.match_substring_regex(texts, _FORMS[kind])))
    sound = without(texts, bad)
    if kind == "Timestamp":
        return _moments(sound, bad)
    if kind == "Boolean":
        return Values(pc.equal(pc.utf8_lower(sound), "true"), bad)
    return cast(pc.utf8_ltrim(sound, "+"), VALUE_TYPES[kind], bad)


def decode(texts: pa.Array) -> Values:
    """Bytes out of base64; null stays null."""
    found = [None if text is None else _decoded(text) for text in texts.to_pylist()]
    missing = flags_of(pc.is_null(texts))
    bad = np.array([value is None for value in found], dtype=np.bool_) & ~missing
    return Values(pa.array(found, pa.large_binary()), bad)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _moments(texts: pa.Array, bad: Flags) -> Values:
    """Moments with a zone and without one are read apart: Arrow wants either all or none."""
    zoned = flags_of(pc.match_substring_regex(texts, _ZONE))
    utc = VALUE_TYPES["Timestamp"]
    one = cast(without(texts, ~zoned), utc, bad)
    other = cast(without(texts, zoned), pa.timestamp("us"), bad)
    return Values(pc.coalesce(one.array, other.array.cast(utc)), one.bad | other.bad)
