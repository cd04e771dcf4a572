"""Which servers a source may be read from: public ones, and those that the operator allows.

Names and numbers that a manifest holds are judged by ``check_host`` before anything is asked; the address
that a connection really goes to is judged again by ``check_address``, when it is made (``guard``).
"""

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mlplane import names
from mlplane.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE_NAMES = re.compile(
    r"(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|svc|cluster\.local|onion|test"
    r"|instance-data|metadata)$"
)
"""Names that are of no public server: of this machine, a cluster, an office, or a cloud's metadata."""
_CLOUD_SERVICES = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24")))
"""The inside of a cloud by numbers that look public: Azure's host (learn.microsoft.com, "What is IP address
168.63.129.16?"), and protocol assignments (RFC 6890), where Oracle keeps metadata."""
_TRANSLATED = (  # RFC 6052 and RFC 8215, RFC 3056: the prefix, and the first bit of the IPv4 address
    (ipaddress.ip_network("64:ff9b::/96"), 96),
    (ipaddress.ip_network("64:ff9b:1::/48"), 96),
    (ipaddress.ip_network("2002::/16"), 16),
    (ipaddress.ip_network("::/96"), 96),
)


class Refused(InvalidInput):
    """The policy forbids to read from there."""


@dataclass(frozen=True)
class Policy:
    """Public servers, and what the operator allows beside them."""

    allowed_hosts: tuple[str, ...] = ()
    """``host`` or ``host:port``; a host is a name or an IPv4 address."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """The policy that an environment describes."""
        listed = environment.get(names.ALLOWED_HOSTS_ENV, "").split(",")
        return cls(tuple(host.strip() for host in listed if host.strip()))

    def check_host(self, host: str, port: int) -> None:
        """Judge a server as a manifest or a redirect names it.

        Raises:
            Refused: it is no public name, or the number of an address that is not public.
        """
        host = host.lower().rstrip(".")
        if self._is_listed(host, port):
            return
        address = _number(host)
        if address is not None:
            self.check_address(str(address), port)
        elif "." not in host or _PRIVATE_NAMES.search(host):
            raise Refused(f"{host} is refused: it is no public name; {_advice(host)}")

    def check_address(self, address: str, port: int) -> None:
        """Judge the address that a connection is about to be made to.

        Raises:
            Refused: it is not public, and not that of an allowed host.
        """
        reason = why_not_public(ipaddress.ip_address(address))
        if reason and not self._is_of_allowed_host(address, port):
            raise Refused(f"the address {address} is refused: it is {reason}; {_advice(address)}")

    def _is_listed(self, host: str, port: int) -> bool:
        return bool({host, f"{host}:{port}"} & {allowed.lower() for allowed in self.allowed_hosts})

    def _is_of_allowed_host(self, address: str, port: int) -> bool:
        for allowed in self.allowed_hosts:
            host, _, number = allowed.partition(":")
            if number in ("", str(port)) and address in addresses_of(host, port):
                return True
        return False


def why_not_public(address: Address) -> str:
    """What kind of address it is, if it is not one of a public server; else empty."""
    inner = _embedded(address)
    if inner is not None:
        found = why_not_public(inner)
        return found and f"{inner} in an IPv6 address, {found}"
    kinds = {
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "link-local (where clouds keep their metadata)": address.is_link_local,
        "multicast": address.is_multicast,
        "of a cloud's own services": any(address in network for network in _CLOUD_SERVICES),
        "private": address.is_private,
        "reserved": address.is_reserved,
        "not public": not address.is_global,
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def addresses_of(host: str, port: int) -> tuple[str, ...]:
    """What a name means now; empty if nothing."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.teredo:
        return address.ipv4_mapped or (address.teredo and address.teredo[1])
    for network, start in _TRANSLATED:
        if address in network and int(address) > 1:
            return ipaddress.IPv4Address(int(address) >> (96 - start) & 0xFFFFFFFF)
    return None


def _number(host: str) -> Address | None:
    """An address in any way that the C library reads one: ``127.1``, ``0x7f000001``, ``2130706433``."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _advice(host: str) -> str:
    return f"an operator allows it with --allow-host {host} or in {names.ALLOWED_HOSTS_ENV}"
