"""Who App Service authentication says is calling.

The platform puts `X-MS-CLIENT-PRINCIPAL` on a request: base64 of a JSON document of claims. Where the platform's
authentication is not in front, any caller can send that header, so it counts only where the platform says that it
is on and the token was made for this app (`aud`) in this tenant (`tid`).
Source: learn.microsoft.com/azure/app-service/configure-authentication-user-identities.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.domain.caller import Principal

PRINCIPAL_HEADER = "X-MS-CLIENT-PRINCIPAL"
MAX_HEADER_CHARACTERS = 64 * 1024

_CLAIMS = "http://schemas.microsoft.com/identity/claims/"
_TENANT_TYPES = ("tid", _CLAIMS + "tenantid")
_OBJECT_TYPES = ("oid", _CLAIMS + "objectidentifier")
_AUDIENCE_TYPES = ("aud",)
_NAME_TYPES = ("name", "preferred_username", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name")


@dataclass(frozen=True)
class Trust:
    """What a principal must be to count: set by the settings."""

    platform_authentication: bool
    tenant_id: str
    audience: str


def read_principal(headers: Mapping[str, str], trust: Trust) -> Principal | None:
    """Result: the signed-in person, or None: nobody is signed in, or what the header says cannot be trusted."""
    header = headers.get(PRINCIPAL_HEADER, "")
    if not trust.platform_authentication or not header or len(header) > MAX_HEADER_CHARACTERS:
        return None
    claims = _claims(header)
    tenant_id = _one(claims, _TENANT_TYPES).lower()
    object_id = _one(claims, _OBJECT_TYPES).lower()
    audience = _one(claims, _AUDIENCE_TYPES).lower()
    if not object_id or not _same(tenant_id, trust.tenant_id) or not _is_ours(audience, trust.audience):
        return None
    return Principal(tenant_id, object_id, _first(claims, _NAME_TYPES)[:120] or object_id)


def _claims(header: str) -> dict[str, list[str]]:
    """Result: the values of each claim type; empty where the header is not what the platform writes."""
    try:
        document = json.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    listed = document.get("claims") if isinstance(document, dict) else None
    found: dict[str, list[str]] = {}
    for claim in listed if isinstance(listed, list) else ():
        kind, value = _text(claim, "typ"), _text(claim, "val")
        if kind and value:
            found.setdefault(kind, []).append(value)
    return found


def _text(claim: Any, key: str) -> str:
    value = claim.get(key) if isinstance(claim, dict) else None
    return value if isinstance(value, str) else ""


def _one(claims: Mapping[str, list[str]], kinds: tuple[str, ...]) -> str:
    """Result: the value if all spellings of the claim agree on one; a principal that says two things says nothing."""
    values = {value for kind in kinds for value in claims.get(kind, ())}
    return values.pop() if len(values) == 1 else ""


def _first(claims: Mapping[str, list[str]], kinds: tuple[str, ...]) -> str:
    return next((claims[kind][0] for kind in kinds if kind in claims), "")


def _is_ours(audience: str, expected: str) -> bool:
    # An access token's audience may be the application id URI of the same registration.
    return _same(audience, expected) or _same(audience, f"api://{expected}")


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.lower().encode())
