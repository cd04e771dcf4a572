"""What an unquoted YAML scalar means to kubectl, which reads YAML with go-yaml. Pure.

PyYAML differs where it hurts: ``1e-3`` is a number for kubectl and a string for PyYAML, ``1:30`` the reverse.
Called by ``gitops.manifest``.
"""

import re

_MEANINGS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **{
        word: value
        for words, value in (("y yes true on", True), ("n no false off", False))
        for name in words.split()
        for word in (name, name.capitalize(), name.upper())
    },
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_INTEGER = re.compile(r"[-+]?(0b[01][01_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|0o?[0-7][0-7_]*|0|[1-9][0-9_]*)")
_LONGEST = 128
"""Characters of a whole number that is worth reading; far beyond 64 bits, and short enough for ``int``."""
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")


def meaning(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. A date stays the string that it is."""
    if text in _MEANINGS:
        return _MEANINGS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > _LONGEST:
            return float("inf")
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    size = int(digits, 8) if octal else int(digits, 0)
    return -size if text.startswith("-") else size
