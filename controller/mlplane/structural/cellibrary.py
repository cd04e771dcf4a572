"""The functions that Kubernetes adds to CEL, for ``celrules``: lists, regex, URLs, quantities, addresses.

The engine has no opaque types for extensions, so a URL or a quantity is a map to it. ``indexOf`` of lists
is missing: the engine's string library occupies the name.
"""

import ipaddress
import itertools
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cel_expr_python import cel

_T = cel.Type
_DYN_LIST = _T.List(_T.DYN)
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?")
_DECIMAL_SUFFIXES = {s: Decimal(1000) ** n for n, s in enumerate(("", "k", "M", "G", "T", "P", "E"))}
_SMALL_SUFFIXES = {s: Decimal(1000) ** -n for n, s in enumerate(("m", "u", "n"), start=1)}
_BINARY_SUFFIXES = {f"{s}i": Decimal(1024) ** n for n, s in enumerate("KMGTPE", start=1)}
_FACTORS = _DECIMAL_SUFFIXES | _SMALL_SUFFIXES | _BINARY_SUFFIXES


def functions() -> list[Any]:
    """Declarations with implementations, for a CEL environment."""
    return [cel.FunctionDecl(name, overloads) for name, overloads in _overloads().items()]


def _overloads() -> dict[str, list[Any]]:
    declared: dict[str, list[Any]] = {}
    for name, result, parameters, implementation, member in _FUNCTIONS:
        overload = cel.Overload(
            id=f"{name}_{len(parameters)}_{'_'.join(map(str, parameters))}",
            return_type=result,
            parameters=list(parameters),
            is_member=member,
            impl=implementation,
        )
        declared.setdefault(name, []).append(overload)
    return declared


def _quantity(text: str) -> dict[str, str]:
    """A quantity as the map {"quantity": canonical number}, so that equal amounts are equal."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number, suffix = found.group(1), found.group(2) or ""
    if suffix in _FACTORS:
        return _amount(Decimal(number) * _FACTORS[suffix])
    return _amount(Decimal(number + suffix))


def _amount(value: Decimal) -> dict[str, str]:
    return {"quantity": format(value.normalize(), "f")}


def _number(quantity: Any) -> Decimal:
    return Decimal(str(quantity["quantity"]))


def _plus(sign: int) -> Callable[[Any, Any], dict[str, str]]:
    def apply(first: Any, second: Any) -> dict[str, str]:
        other = Decimal(second) if isinstance(second, int) else _number(second)
        return _amount(_number(first) + sign * other)

    return apply


def _compare(first: Any, second: Any) -> int:
    a, b = _number(first), _number(second)
    return (a > b) - (a < b)


def _as_integer(quantity: Any) -> int:
    value = _number(quantity)
    if value != value.to_integral_value():
        raise ValueError("cannot convert value to integer")
    return int(value)


def _succeeds(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, InvalidOperation):
            return False
        return True

    return check


def _split_url(text: str) -> SplitResult:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")):
        raise ValueError(f"URL parse error during conversion from string: {text}")
    _ = parts.port  # an impossible port raises here
    return parts


def _url(text: str) -> dict[str, Any]:
    parts = _split_url(text)
    return {
        "scheme": parts.scheme,
        "host": parts.netloc.rpartition("@")[2],
        "hostname": parts.hostname or "",
        "port": str(parts.port or ""),
        "path": parts.path,
        "query": parse_qs(parts.query, keep_blank_values=True),
    }


def _part(name: str) -> Callable[[Any], Any]:
    return lambda url: url[name]


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found.group() if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = (match.group() for match in re.finditer(pattern, text))
    return list(itertools.islice(found, limit if limit >= 0 else None))


def _is_sorted(values: Sequence[Any]) -> bool:
    return all(first <= second for first, second in itertools.pairwise(values))


def _family(text: str) -> dict[str, Any]:
    address = ipaddress.ip_address(text)
    return {"ip": str(address), "family": address.version}


def _network(text: str) -> dict[str, Any]:
    network = ipaddress.ip_network(text, strict=False)
    return {"cidr": str(network), "prefixLength": network.prefixlen, "ip": str(network.network_address)}


def _contains_ip(network: Any, address: Any) -> bool:
    text = address if isinstance(address, str) else str(address["ip"])
    return ipaddress.ip_address(text) in ipaddress.ip_network(str(network["cidr"]))


_Function = tuple[str, Any, tuple[Any, ...], Callable[..., Any], bool]
_FUNCTIONS: tuple[_Function, ...] = (
    ("isSorted", _T.BOOL, (_DYN_LIST,), _is_sorted, True),
    ("sum", _T.DYN, (_DYN_LIST,), sum, True),
    ("min", _T.DYN, (_DYN_LIST,), min, True),
    ("max", _T.DYN, (_DYN_LIST,), max, True),
    ("find", _T.STRING, (_T.STRING, _T.STRING), _find, True),
    ("findAll", _T.List(_T.STRING), (_T.STRING, _T.STRING), _find_all, True),
    ("findAll", _T.List(_T.STRING), (_T.STRING, _T.STRING, _T.INT), _find_all, True),
    ("url", _T.MAP, (_T.STRING,), _url, False),
    ("isURL", _T.BOOL, (_T.STRING,), _succeeds(_split_url), False),
    ("getScheme", _T.STRING, (_T.MAP,), _part("scheme"), True),
    ("getHost", _T.STRING, (_T.MAP,), _part("host"), True),
    ("getHostname", _T.STRING, (_T.MAP,), _part("hostname"), True),
    ("getPort", _T.STRING, (_T.MAP,), _part("port"), True),
    ("getEscapedPath", _T.STRING, (_T.MAP,), _part("path"), True),
    ("getQuery", _T.MAP, (_T.MAP,), _part("query"), True),
    ("quantity", _T.MAP, (_T.STRING,), _quantity, False),
    ("isQuantity", _T.BOOL, (_T.STRING,), _succeeds(_quantity), False),
    ("sign", _T.INT, (_T.MAP,), lambda q: _compare(q, {"quantity": "0"}), True),
    ("isInteger", _T.BOOL, (_T.MAP,), lambda q: _number(q) == _number(q).to_integral_value(), True),
    ("asInteger", _T.INT, (_T.MAP,), _as_integer, True),
    ("asApproximateFloat", _T.DOUBLE, (_T.MAP,), lambda q: float(_number(q)), True),
    ("add", _T.MAP, (_T.MAP, _T.MAP), _plus(1), True),
    ("add", _T.MAP, (_T.MAP, _T.INT), _plus(1), True),
    ("sub", _T.MAP, (_T.MAP, _T.MAP), _plus(-1), True),
    ("sub", _T.MAP, (_T.MAP, _T.INT), _plus(-1), True),
    ("isLessThan", _T.BOOL, (_T.MAP, _T.MAP), lambda a, b: _compare(a, b) < 0, True),
    ("isGreaterThan", _T.BOOL, (_T.MAP, _T.MAP), lambda a, b: _compare(a, b) > 0, True),
    ("compareTo", _T.INT, (_T.MAP, _T.MAP), _compare, True),
    ("isIP", _T.BOOL, (_T.STRING,), _succeeds(ipaddress.ip_address), False),
    ("ip", _T.MAP, (_T.STRING,), _family, False),
    ("family", _T.INT, (_T.MAP,), _part("family"), True),
    (
        "isCIDR",
        _T.BOOL,
        (_T.STRING,),
        _succeeds(lambda text: ipaddress.ip_network(text, strict=False)),
        False,
    ),
    ("cidr", _T.MAP, (_T.STRING,), _network, False),
    ("prefixLength", _T.INT, (_T.MAP,), _part("prefixLength"), True),
    ("containsIP", _T.BOOL, (_T.MAP, _T.MAP), _contains_ip, True),
    ("containsIP", _T.BOOL, (_T.MAP, _T.STRING), _contains_ip, True),
)
