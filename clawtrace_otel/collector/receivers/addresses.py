"""Addresses to listen on."""

from ipaddress import ip_address

from clawtrace_otel.errors import ConfigError

MAX_PORT = 65_535


def split_address(address: str, option: str) -> tuple[str, int]:
    """Host and port of ``host:port``.

    gRPC itself would listen on another port than one over 65,535.

    Raises:
        ConfigError: there is no such address.
    """
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > MAX_PORT:
        msg = f"cannot listen on {address}: it must be host:port; choose another with {option}"
        raise ConfigError(msg)
    return host, int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches ``host:port``; a name other than localhost may be any."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
