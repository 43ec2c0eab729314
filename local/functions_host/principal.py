"""The client principal: the claims header that App Service authentication puts on a request.

Shape and claim names are those of the platform
(https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

PRINCIPAL_HEADER = "x-ms-client-principal"
_NAME_TYPE = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_ROLE_TYPE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
_TENANT = "http://schemas.microsoft.com/identity/claims/tenantid"
_OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@dataclass(frozen=True)
class LocalOperator:
    """A person whom the local stack signs in; `credential` is their opaque bearer token."""

    tenant_id: str
    object_id: str
    name: str
    username: str
    credential: str = field(repr=False)


def claims(operator: LocalOperator, audience: str) -> list[dict[str, str]]:
    """The claims of a signed-in operator, as the platform maps them from an Entra ID token."""
    return [
        {"typ": "aud", "val": audience},
        {"typ": "iss", "val": f"https://login.microsoftonline.com/{operator.tenant_id}/v2.0"},
        {"typ": _TENANT, "val": operator.tenant_id},
        {"typ": _OBJECT, "val": operator.object_id},
        {"typ": "name", "val": operator.name},
        {"typ": "preferred_username", "val": operator.username},
        {"typ": _NAME_TYPE, "val": operator.username},
        {"typ": "ver", "val": "2.0"},
    ]


def headers(operator: LocalOperator, audience: str) -> Mapping[str, str]:
    """The request headers that carry the operator's identity to the app."""
    document = {
        "auth_typ": "aad",
        "claims": claims(operator, audience),
        "name_typ": _NAME_TYPE,
        "role_typ": _ROLE_TYPE,
    }
    return {
        PRINCIPAL_HEADER: base64.b64encode(json.dumps(document).encode("utf-8")).decode("ascii"),
        "x-ms-client-principal-id": operator.object_id,
        "x-ms-client-principal-name": operator.username,
        "x-ms-client-principal-idp": "aad",
    }
