"""Which addresses a webhook may go to: public ones, and by a setting such as this machine's; never ours by accident."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from pipeline.errors import Misused

LONGEST_URL = 2048
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?", re.ASCII)
_URL = re.compile(r"[\x21-\x7e]+", re.ASCII)

_WRAPPING = tuple(ip_network(text) for text in (
    "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))
"""IPv6 that carries an IPv4 address within: no receiver's own, and a way around what is said of that address."""
_GLOBAL = ip_network("2000::/3")
"""All of IPv6 that is ever given to hosts of the open internet."""
_NEVER = tuple(ip_network(text) for text in (
    # Told apart by some Pythons only: carrier-grade NAT, protocol assignments, tests, relays, documentation, reserved.
    "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7"))


@dataclass(frozen=True, slots=True)
class Allowed:
    """Networks that may be called although they are not public, and without TLS."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> Allowed:
        """Of a setting: networks between commas, or nothing. Raises Misused."""
        try:
            return cls(tuple(ip_network(part.strip()) for part in text.split(",") if part.strip()))
        except ValueError:
            raise Misused(f"the setting WEBHOOK_ALLOWED_NETWORKS is {text!r}; networks such as 127.0.0.0/8 between "
                          "commas are accepted") from None

    def names(self, address: str) -> bool:
        """Whether one of the networks holds it."""
        found = _parsed(address)
        return found is not None and any(found in network for network in self.networks)


def may_be_called(address: str, allowed: Allowed, *, tls: bool) -> bool:
    """Whether a connection to this address may be made: it is public and TLS is used, or it is allowed by name."""
    return allowed.names(address) or (tls and is_public(address))


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the open internet's, and stands for nothing else."""
    found = _parsed(address)
    if found is None:
        return False
    if isinstance(found, IPv6Address) and (
            found.scope_id or found not in _GLOBAL or any(found in network for network in _WRAPPING)):
        return False
    inside = (found.is_private, found.is_loopback, found.is_link_local, found.is_multicast, found.is_reserved,
              found.is_unspecified)
    return found.is_global and not any(inside) and not any(found in network for network in _NEVER)


def checked_url(url: str, allowed: Allowed) -> SplitResult:
    """The parts of an endpoint's address. Raises Misused where it may not be one, whatever its name resolves to."""
    if not 0 < len(url) <= LONGEST_URL or not _URL.fullmatch(url):
        raise Misused(f"url is not an address of up to {LONGEST_URL} visible ASCII characters")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise Misused("url is no address such as https://shop.example/webhooks") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed.networks):
        raise Misused("url does not begin with https://")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise Misused("url holds a user, a password or a fragment; none of them may be in it")
    if port == 0 or not (_parsed(host) or _HOST.fullmatch(host)):
        raise Misused("url names no host, or no port, that can be called")
    if _parsed(host) and not may_be_called(host, allowed, tls=parts.scheme == "https"):
        raise Misused("url names an address that is not public")
    return parts


def refused(addresses: Sequence[str], allowed: Allowed, *, tls: bool) -> list[str]:
    """Those of a name's addresses that may not be called. With one of them the name is not called at all."""
    return [address for address in addresses if not may_be_called(address, allowed, tls=tls)]


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
