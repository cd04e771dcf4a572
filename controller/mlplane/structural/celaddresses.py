"""The functions of Kubernetes' CEL for IP addresses and networks. ``cellibrary`` declares them.

An address is the map {"ip": text}, a network {"cidr": text}, so that equal ones are equal.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from cel_expr_python import cel

_T = cel.Type
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _address(text: str) -> _Address:
    if "%" in text:
        raise ValueError(f"IP address {text!r} with zone value is not allowed")
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f'IP Address "{text}" parse error during conversion from string: {error}') from None
    _refuse_mapped(found, text)
    return found


def _network(text: str) -> _Network:
    try:
        if "/" not in text:
            raise ValueError("no '/'")
        found = ipaddress.ip_interface(text)
    except ValueError:
        what = f'netip.ParsePrefix("{text}"): unable to parse IP'
        raise ValueError(f"network address parse error during conversion from string: {what}") from None
    _refuse_mapped(found.ip, text)
    return found


def _refuse_mapped(address: _Address, text: str) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise ValueError(f'IPv4-mapped IPv6 address "{text}" is not allowed')


def _ip(text: str) -> dict[str, Any]:
    return {"ip": str(_address(text))}


def _cidr(text: str) -> dict[str, Any]:
    return {"cidr": str(_network(text))}


def _of(value: Any) -> _Address:
    return _address(value if isinstance(value, str) else str(value["ip"]))


def _range(value: Any) -> _Network:
    return _network(value if isinstance(value, str) else str(value["cidr"]))


def _succeeds(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _is_global(value: Any) -> bool:
    address = _of(value)
    none = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not (none or str(address) == "255.255.255.255")


def _is_local_multicast(value: Any) -> bool:
    address = _of(value)
    local = "224.0.0.0/24" if address.version == 4 else "ff02::/16"
    return address in ipaddress.ip_network(local)


def _contains(network: Any, other: Any) -> bool:
    return _of(other) in _range(network).network


def _contains_network(network: Any, other: Any) -> bool:
    outer, inner = _range(network).network, _range(other).network
    # Masks of different families cannot be compared.
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...], Callable[..., Any], bool], ...] = (
    ("isIP", _T.BOOL, (_T.STRING,), _succeeds(_address), False),
    ("ip", "IP", (_T.STRING,), _ip, False),
    ("ip.isCanonical", _T.BOOL, (_T.STRING,), lambda text: str(_address(text)) == text, False),
    ("family", _T.INT, ("IP",), lambda ip: _of(ip).version, True),
    ("isUnspecified", _T.BOOL, ("IP",), lambda ip: _of(ip).is_unspecified, True),
    ("isLoopback", _T.BOOL, ("IP",), lambda ip: _of(ip).is_loopback, True),
    ("isLinkLocalMulticast", _T.BOOL, ("IP",), _is_local_multicast, True),
    ("isLinkLocalUnicast", _T.BOOL, ("IP",), lambda ip: _of(ip).is_link_local, True),
    ("isGlobalUnicast", _T.BOOL, ("IP",), _is_global, True),
    ("isCIDR", _T.BOOL, (_T.STRING,), _succeeds(_network), False),
    ("cidr", "CIDR", (_T.STRING,), _cidr, False),
    ("prefixLength", _T.INT, ("CIDR",), lambda net: _range(net).network.prefixlen, True),
    ("ip", "IP", ("CIDR",), lambda net: {"ip": str(_range(net).ip)}, True),
    ("masked", "CIDR", ("CIDR",), lambda net: {"cidr": str(_range(net).network)}, True),
    ("containsIP", _T.BOOL, ("CIDR", "IP"), _contains, True),
    ("containsIP", _T.BOOL, ("CIDR", _T.STRING), _contains, True),
    ("containsCIDR", _T.BOOL, ("CIDR", "CIDR"), _contains_network, True),
    ("containsCIDR", _T.BOOL, ("CIDR", _T.STRING), _contains_network, True),
)
"""Name, result, parameters, implementation, and whether the first parameter stands before the dot."""
