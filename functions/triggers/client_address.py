"""From which address a call comes, for the throttle on registration codes."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

FORWARDED_HEADER = "X-Forwarded-For"
FORWARDED_PROTOCOL_HEADER = "X-Forwarded-Proto"
UNKNOWN_ADDRESS = "unknown"


def client_address(headers: Mapping[str, str]) -> str:
    """Result: the rightmost entry of X-Forwarded-For without its port; 'unknown' where there is none.

    The platform appends that entry; all before it is the caller's own claim. An IPv6 address is cut to its /64,
    since one machine owns all of that.
    """
    entry = headers.get(FORWARDED_HEADER, "").rsplit(",", 1)[-1].strip()
    if entry.startswith("["):
        text = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        text = entry.partition(":")[0]
    else:
        text = entry
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    network = ipaddress.ip_network((address, 64), strict=False)
    return str(network.network_address)
