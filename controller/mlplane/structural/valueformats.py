"""The string formats that an API server enforces; formats that it does not know say nothing.

``valuechecks`` calls these.
"""

import base64
import binascii
import ipaddress
import re
import uuid
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
_HOST = re.compile(
    r"(?=.{1,255}\Z)[A-Za-z0-9_]([-A-Za-z0-9_]{0,62}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([-A-Za-z0-9_]{0,62}[A-Za-z0-9])?)*\.?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def is_valid(text: str, name: str) -> bool:
    """Whether a string has the format; a format that is not known holds for every string."""
    check = _FORMATS.get(name.replace("-", ""))
    return check is None or check(text)


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


def _mac(text: str) -> bool:
    return bool(re.fullmatch(r"([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2})", text))


_FORMATS: dict[str, Callable[[str], bool]] = {
    "byte": _byte,
    "cidr": _cidr,
    "date": lambda text: bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)) and _parses(date.fromisoformat, text),
    "datetime": _date_time,
    "duration": lambda text: bool(_GO_DURATION.fullmatch(text) or _LONG_DURATION.search(text)),
    "email": _email,
    "hostname": lambda text: bool(_HOST.fullmatch(text)),
    "ipv4": lambda text: _parses(ipaddress.IPv4Address, text),
    "ipv6": lambda text: _parses(ipaddress.IPv6Address, text),
    "k8slongname": _long_name,
    "k8sshortname": _short_name,
    "mac": _mac,
    "uri": _uri,
    "uuid": lambda text: _parses(uuid.UUID, text),
}
