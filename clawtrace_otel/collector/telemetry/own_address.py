"""Whether an address leads back to the service itself, however it is spelled."""

import ipaddress
import socket
from collections.abc import Iterable
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


def leads_to_itself(host: str, port: int, listening: Iterable[tuple[str, int]]) -> bool:
    """Whether ``host:port`` is one of the addresses that the service listens on.

    Names are looked up; one that nobody knows is nobody's.

    Args:
        host: a name or an address of either kind.
        port: of the target.
        listening: (host, port) pairs.
    """
    own = [own_host for own_host, own_port in listening if own_port == port]
    targets = _addresses(host) if own else set()
    return any(_serves(own_host, targets) for own_host in own)


def _serves(own_host: str, targets: set[Address]) -> bool:
    if _is_wildcard(own_host):
        return any(map(_is_of_this_machine, targets))
    return bool(_addresses(own_host) & targets)


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _addresses(host: str) -> set[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: no name in DNS can be so
        return set()
    return {_plain(str(sockaddr[0])) for *_, sockaddr in found}


def _plain(text: str) -> Address:
    """An address in its one spelling. All that stays on this machine is one address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return _LOOPBACK if address.is_loopback or address.is_unspecified else address


def _is_of_this_machine(address: Address) -> bool:
    """Only an address of this machine can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
