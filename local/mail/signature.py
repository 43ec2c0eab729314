"""The signature of a request to the mail service: HMAC-SHA256 over method, address, date, host and content."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SKEW_SECONDS = 300
_SIGNED = "x-ms-date;host;x-ms-content-sha256"


def is_signed(method: str, target: str, headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Whether the request was signed with the service's key, lately, and for this content; `target` has the query."""
    content = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    given_date = headers.get("x-ms-date", "")
    try:
        age = abs((datetime.now(UTC) - parsedate_to_datetime(given_date)).total_seconds())
        secret = base64.b64decode(key, validate=True)
    except (ValueError, TypeError, binascii.Error):
        return False
    text = f"{method}\n{target}\n{given_date};{headers.get('host', '')};{content}"
    signature = base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode("ascii")
    wanted = f"HMAC-SHA256 SignedHeaders={_SIGNED}&Signature={signature}"
    return (
        age <= _SKEW_SECONDS
        and content == headers.get("x-ms-content-sha256")
        and hmac.compare_digest(wanted.encode(), headers.get("authorization", "").encode())
    )
