"""Which address of Mission a project may be connected to. Pure.

The agent calls it, from the customer's own network, and the control plane never does: so a private name or address is
as good as a public one, and nothing is resolved here. What is refused is what would send the integration key over the
network in the clear, or to another place than the one that is shown.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from migrate_contract.errors import ErrorCode, Fatal

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def need_mission_url(text: str) -> str:
    """Result: the address as it is kept: lower-case host, no slash at the end. Raises Fatal(mission-url-refused).

    `http` is taken for this machine itself (a loopback address), where the local stack runs.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as fault:
        raise _refused("it cannot be read") from fault
    if not _PRINTABLE.fullmatch(text) or len(text) > 500:
        raise _refused("it must be at most 500 plain characters")
    if parts.username is not None or parts.password is not None:
        raise _refused("it must not hold a user name or a password")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refused("it must not have a part after ? or #")
    host, path = (parts.hostname or "").lower(), parts.path.rstrip("/")
    if not _is_host(host):
        raise _refused("it must name a host")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise _refused("it must begin with https://, so that the integration key is never sent in the clear")
    if not _PATH.fullmatch(path) or "/.." in path or "/./" in f"{path}/":
        raise _refused("its path holds letters, digits, and . _ ~ - only")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    if _HOST.fullmatch(host):
        return ".." not in host
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def _refused(because: str) -> Fatal:
    return Fatal(ErrorCode.MISSION_URL_REFUSED, f"The address of Mission: {because}.")
