"""The string formats that an API server enforces; formats that it does not know say nothing.

``valuechecks`` calls these.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:?\d{2})", re.ASCII
)
_GO_DURATION = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_LONG_DURATION = re.compile(
    r"\d+\s*(ns\b|nano|us\b|µs\b|micro|ms\b|milli|s\b|sec|m\b|min|h\b|hr\b|hour|d\b|day|w\b|wk\b|week)", re.I
)
_HOST_CHARACTER = r"[a-zA-Z0-9\u00a2-\uffff]"
_HOST = re.compile(
    rf"{_HOST_CHARACTER}(-?{_HOST_CHARACTER}{{0,62}})?"
    rf"|({_HOST_CHARACTER}([-a-zA-Z0-9\u00a2-\uffff]{{0,61}}{_HOST_CHARACTER})?\.)+[a-zA-Z\u00a2-\uffff]{{2,63}}"
)
_PATTERNS = {
    "bsonobjectid": r"[0-9a-fA-F]{24}",
    "hexcolor": r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
    "mac": r"([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2}|([0-9A-Fa-f]{2}[:-]){2}[0-9A-Fa-f]{2})"
    r"|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}|([0-9A-Fa-f]{4}\.){3}[0-9A-Fa-f]{4}",
    "rgbcolor": r"rgb\((\s*(0|1?\d{1,2}|2[0-4]\d|25[0-5])\s*,){2}\s*(0|1?\d{1,2}|2[0-4]\d|25[0-5])\s*\)",
    "ssn": r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    "uuid": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "uuid3": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "uuid4": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}",
    "uuid5": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}",
}
"""Formats that are a pattern and no more."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def is_valid(text: str, name: str) -> bool:
    """Whether a string has the format; a format that is not known holds for every string."""
    check = _FORMATS.get(name.replace("-", ""))
    return check is None or check(text)


def is_go_duration(text: str) -> bool:
    """Whether a text is a duration as Go writes it."""
    return bool(_GO_DURATION.fullmatch(text))


def _date_time(text: str) -> bool:
    if not _DATE_TIME.fullmatch(text):
        return False
    whole = re.sub(r"\.\d+", "", text.upper().replace("Z", "+00:00"))
    return _parses(datetime.fromisoformat, whole)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _byte(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text and text != ""
    except (binascii.Error, ValueError):
        return False


def _uri(text: str) -> bool:
    try:
        return bool(text) and (text.startswith("/") or bool(urlsplit(text).scheme))
    except ValueError:
        return False


def _short_name(text: str) -> bool:
    return len(text) <= 63 and bool(_LABEL.fullmatch(text))


def _long_name(text: str) -> bool:
    return len(text) <= 253 and all(_LABEL.fullmatch(part) for part in text.split("."))


def _cidr(text: str) -> bool:
    return "/" in text and _parses(lambda value: ipaddress.ip_network(value, strict=False), text)


def _email(text: str) -> bool:
    return bool(re.fullmatch(r"[^@\s]+@[^@\s]+", text))


def _host(text: str) -> bool:
    parts = text.split(".")
    return len(text) <= 255 and all(len(part) <= 63 for part in parts) and bool(_HOST.fullmatch(text))


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: bool(compiled.fullmatch(text))


def _isbn(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    return _isbn10(digits) or _isbn13(digits)


def _isbn10(digits: str) -> bool:
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    values = [10 if each == "X" else int(each) for each in digits]
    return sum(weight * value for weight, value in enumerate(values, 1)) % 11 == 0


def _isbn13(digits: str) -> bool:
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(digits)) % 10 == 0


def _credit_card(text: str) -> bool:
    """Thirteen to sixteen digits with the check digit of Luhn."""
    digits = re.sub(r"[^0-9]+", "", text)
    doubled = [sum(divmod(2 * int(each), 10)) for each in digits[-2::-2]]
    total = sum(doubled) + sum(int(each) for each in digits[::-2])
    return 13 <= len(digits) <= 16 and total % 10 == 0


_FORMATS: dict[str, Callable[[str], bool]] = {
    "byte": _byte,
    "cidr": _cidr,
    "date": lambda text: bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)) and _parses(date.fromisoformat, text),
    "datetime": _date_time,
    "duration": lambda text: is_go_duration(text) or bool(_LONG_DURATION.search(text)),
    "email": _email,
    "creditcard": _credit_card,
    "hostname": _host,
    "ipv4": lambda text: _parses(ipaddress.IPv4Address, text),
    "ipv6": lambda text: _parses(ipaddress.IPv6Address, text),
    "k8slongname": _long_name,
    "k8sshortname": _short_name,
    "isbn": _isbn,
    "isbn10": lambda text: _isbn10(re.sub(r"[\s-]+", "", text)),
    "isbn13": lambda text: _isbn13(re.sub(r"[\s-]+", "", text)),
    "uri": _uri,
    **{name: _matches(pattern) for name, pattern in _PATTERNS.items()},
}
