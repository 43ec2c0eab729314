"""Who gives the engine access to the container, and the source for a copy with no control plane: one SAS URL."""

from __future__ import annotations

import ipaddress
import re
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import Grant

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TIME = re.compile(r"[0-9TZ:.+-]+")
_FOR_EVER_SECONDS = 10.0 * 365 * 24 * 3600
"""A typed SAS URL is not renewed: its own end is the service's to say."""


def _has_account_in_path(host: str) -> bool:
    """Emulators and appliances are reached by address or plain name, with the account as the first segment."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True


class GrantSource(Protocol):
    """Access for one attempt. Called by many threads at once, before every request: `current` must be cheap."""

    def current(self) -> Grant:
        """Result: a live grant.

        Returns the cached one while it lives; renewal at `renew_in_seconds` must not make callers wait while the old
        one is good. Without a live one it blocks until there is one (control plane unreachable, for any time), and
        raises StopRequested when the job's stop signal is given meanwhile.
        Raises Fatal where there will be none (grant-refused, attempt-superseded, agent-revoked).
        """
        ...

    def renew(self, refused: Grant, reason: str) -> None:
        """The service refused `refused`: `current` must not return it again.

        Many threads report the same grant; only the first report of one may cause a call. `reason` is the service's
        error code, for the log. Returns at once: waiting is `current`'s part. Raises Fatal where nothing can be done.
        """
        ...


class SasUrlAccess:
    """The access of `migrate-agent copy`: a container SAS URL that a person typed. It cannot be renewed."""

    def __init__(self, url: str) -> None:
        """Raises Fatal(sas-url-invalid); the signature is in no message."""
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
        if parts.scheme not in ("https", "http") or not host or parts.username:
            raise Fatal(ErrorCode.SAS_URL_INVALID, "the address does not begin with https:// and a host")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise Fatal(ErrorCode.SAS_URL_INVALID, f"{host} must be reached by https: the signature is a secret")
        path = parts.path.strip("/")
        segments = path.count("/") + 1
        if not path or segments > (2 if _has_account_in_path(host) else 1):
            raise Fatal(ErrorCode.SAS_URL_INVALID, f"the address on {host} names no container, or more than one")
        if "sig=" not in parts.query:
            raise Fatal(ErrorCode.SAS_URL_INVALID, f"the address of container {path} on {host} has no signature")
        self._grant = Grant(
            container_url=f"{parts.scheme}://{parts.netloc}/{path}",
            sas_token=parts.query,
            seconds_left=_FOR_EVER_SECONDS,
            renew_in_seconds=_FOR_EVER_SECONDS,
        )

    @property
    def container(self) -> str:
        """Result: the container's name."""
        return self._grant.container_url.rsplit("/", 1)[1]

    def current(self) -> Grant:
        """Result: the grant in the URL."""
        return self._grant

    def renew(self, refused: Grant, reason: str) -> None:
        """Raises Fatal(target-access-denied): nobody can sign a new one here."""
        raise Fatal(
            ErrorCode.TARGET_ACCESS_DENIED,
            f"{urlsplit(refused.container_url).hostname} refused the signature ({reason}): "
            + _what_it_says(refused.sas_token),
        )


def _what_it_says(token: str) -> str:
    """Result: what the signature itself allows and until when, so that one sees at once what it lacks."""
    said = parse_qs(token)
    permissions, ends = said.get("sp", [""])[0], said.get("se", [""])[0]
    if not permissions.isalpha() or not _TIME.fullmatch(ends):
        return "it may have expired"
    return f"it allows {permissions} until {ends}; rcwl are needed"
