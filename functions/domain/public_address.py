"""Which hosts and addresses the control plane may call when somebody else names them. Pure.

A person can make us call any host by typing it, so the rule is what is allowed and not what is known to be dangerous:
a public unicast address and nothing else, judged after the name was resolved (a name tells nothing: whoever owns it can
point it to our own network at any moment).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from migrate_contract.errors import ErrorCode, Fatal

MAX_URL_CHARACTERS = 2000
_HTTPS_PORT = 443
_FIRST_FREE_PORT = 1024
"""Below it are the ports of mail, directories and shares, which an HTTPS request has no business at."""
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
"""At least two labels, the last one with a letter in front: no address, in whatever notation, is written like that."""
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PLATFORM = IPv4Address("168.63.129.16")
"""Azure's own service address, which answers every machine in Azure and counts as public."""
_RELAYS = IPv4Network("192.88.99.0/24")
"""6to4 relays (RFC 7526)."""
_UNICAST = IPv6Network("2000::/3")
"""All that has been given out as global unicast (RFC 4291, IANA's registry)."""
_NOT_HOSTS = (
    IPv6Network("2001::/23"),  # Teredo, ORCHID, benchmarks: IETF protocol assignments
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4: holds an IPv4 address of any kind
    IPv6Network("3fff::/20"),  # documentation
)


class HostAndPort(NamedTuple):
    """Where an address of somebody else leads: a name in lower case, and a port."""

    host: str
    port: int


def need_https_url(url: str) -> HostAndPort:
    """Result: where an `https` URL leads. Raises Fatal(webhook-url-refused), saying what is wrong with it."""
    try:
        parts = urlsplit(url)
        port = parts.port or _HTTPS_PORT
    except ValueError as fault:
        raise _refused("it cannot be read") from fault
    if len(url) > MAX_URL_CHARACTERS or not _PRINTABLE.fullmatch(url):
        raise _refused(f"it must be at most {MAX_URL_CHARACTERS} plain characters; write other letters %-encoded")
    if parts.scheme != "https":
        raise _refused("it must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise _refused("it must not hold a user name or a password")
    if parts.fragment:
        raise _refused("it must not have a part after #")
    host = (parts.hostname or "").lower()
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise _refused("its host must be a full public name such as hooks.example.com, not an address")
    if port != _HTTPS_PORT and port < _FIRST_FREE_PORT:
        raise _refused(f"its port must be {_HTTPS_PORT}, or {_FIRST_FREE_PORT} or higher")
    return HostAndPort(host, port)


def is_public(address: str) -> bool:
    """Result: whether this is the literal of a public unicast address, to which we may connect."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        return (
            parsed.scope_id is None
            and parsed in _UNICAST
            and parsed.is_global
            and not any(parsed in network for network in _NOT_HOSTS)
        )
    return parsed.is_global and not parsed.is_multicast and parsed != _PLATFORM and parsed not in _RELAYS


def need_public(host: str, addresses: Sequence[str]) -> None:
    """Raises Fatal(webhook-address-refused) unless every address of the host is public.

    One that is not public is refused even beside public ones: it shows that the name is used to reach inside.
    """
    inside = [address for address in addresses if not is_public(address)]
    if inside or not addresses:
        said = f"{host} leads to {inside[0]}, which is not a public address." if inside else f"{host} has no address."
        raise Fatal(ErrorCode.WEBHOOK_ADDRESS_REFUSED, said)


def _refused(because: str) -> Fatal:
    return Fatal(ErrorCode.WEBHOOK_URL_REFUSED, f"The address of the webhook: {because}.")
