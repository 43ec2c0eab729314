"""Refusing what another site's page makes a signed-in browser send.

Two checks: where a request comes from (`Sec-Fetch-Site`, `Origin`) for everything that changes something, and on
dashboard forms a token bound to the member. The platform checks the origin on POST only, so ours covers every method.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import azure.functions as func

from functions.domain.caller import OperatorCaller
from migrate_contract.errors import ErrorCode, Fatal

CHANGING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
TOKEN_HOURS = 12
"""A page that stays open for a working day still sends."""


def refuse_foreign_origin(request: func.HttpRequest, public_url: str) -> None:
    """Raises csrf-refused for a change that a browser sends for another site, or with a cookie and no origin."""
    if request.method not in CHANGING_METHODS:
        return
    headers: Mapping[str, str] = request.headers
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None and site.lower() not in {"same-origin", "none"}:
        raise Fatal(ErrorCode.CSRF_REFUSED, "The request was sent by a page of another site.")
    if origin is not None and not _is_ours(origin, request.url, public_url):
        raise Fatal(ErrorCode.CSRF_REFUSED, "The request was sent by a page of another site.")
    if site is None and origin is None and headers.get("Cookie"):
        # Every browser of today says where a POST comes from; scripts send no cookie.
        raise Fatal(ErrorCode.CSRF_REFUSED, "A request with a cookie must say its origin.")


class FormTokens:
    """Tokens for forms: an HMAC over the member and the hour, so that nothing has to be stored."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, caller: OperatorCaller, now: datetime) -> str:
        """Result: a token that this member's forms may carry for the next hours."""
        return self._token(caller, _hour(now))

    def check(self, caller: OperatorCaller, token: str, now: datetime) -> None:
        """Raises csrf-refused for a token that is not this member's, or too old."""
        this_hour = _hour(now)
        hours = range(this_hour - TOKEN_HOURS, this_hour + 1)
        found = [hmac.compare_digest(self._token(caller, hour).encode(), token.encode()) for hour in hours]
        if not any(found):
            raise Fatal(ErrorCode.CSRF_REFUSED, "The form was open for too long, or was not made for you.")

    def _token(self, caller: OperatorCaller, hour: int) -> str:
        text = f"{caller.organization}|{caller.tenant_id}|{caller.object_id}|{hour}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:40]


def _is_ours(origin: str, url: str, public_url: str) -> bool:
    try:
        sent, own, public = urlsplit(origin), urlsplit(url), urlsplit(public_url)
    except ValueError:
        return False
    if sent.scheme not in {"http", "https"} or not sent.netloc:
        return False
    return sent.netloc == own.netloc or (sent.scheme, sent.netloc) == (public.scheme, public.netloc)


def _hour(now: datetime) -> int:
    return int(now.timestamp() // 3600)
