"""Validates id tokens: signature by the published keys, audience, issuer of the very tenant, times.

Source: https://learn.microsoft.com/entra/identity-platform/id-tokens#validate-tokens
"""

from __future__ import annotations

import threading
import time
from typing import Any

import jwt
import requests

from functions.domain.connection import Person
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_LEEWAY_SECONDS = 300
_KEYS_SECONDS = 86_400
_AGAIN_SECONDS = 60
"""Keys are asked for again, for the sake of one that is not known, at most this often."""


class IdTokens:
    """Of one application. Keys are kept for a day, and asked for again when an unknown one has signed."""

    def __init__(self, authority: str, client_id: str, http: requests.Session) -> None:
        self._authority = authority
        self._client_id = client_id
        self._http = http
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def person(self, tenant_id: str, token: str) -> Person:
        """Result: whom the token is about.

        Raises Fatal(sign-in-refused) for a token that is not for us or not genuine, Fatal(azure-wrong-tenant),
        Retryable(identity-unavailable).
        """
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(tenant_id, kid),
                algorithms=["RS256"],
                audience=self._client_id,
                issuer=f"{self._authority}/{tenant_id}/v2.0",
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss", "oid", "tid"]},
            )
        except jwt.InvalidTokenError as fault:
            raise Fatal(ErrorCode.SIGN_IN_REFUSED, f"The id token is not valid ({type(fault).__name__}).") from fault
        if claims["tid"] != tenant_id:
            raise Fatal(ErrorCode.AZURE_WRONG_TENANT, f"The storage account belongs to tenant {tenant_id}.")
        return Person(
            object_id=str(claims["oid"]),
            username=str(claims.get("preferred_username", ""))[:200],
            name=str(claims.get("name", ""))[:200],
        )

    def _key(self, tenant_id: str, kid: str) -> jwt.PyJWK:
        """Result: the published key of that id. Raises InvalidTokenError where there is none."""
        with self._lock:
            age = time.monotonic() - self._asked_at
            if age > _KEYS_SECONDS or (kid not in self._keys and age > _AGAIN_SECONDS):
                self._keys = self._published(tenant_id)
                self._asked_at = time.monotonic()
            if kid not in self._keys:
                raise jwt.InvalidTokenError("signed by no published key")
            return self._keys[kid]

    def _published(self, tenant_id: str) -> dict[str, jwt.PyJWK]:
        try:
            answer = self._http.get(f"{self._authority}/{tenant_id}/discovery/v2.0/keys")
            answer.raise_for_status()
            listed = answer.json()["keys"]
            return {str(key["kid"]): jwt.PyJWK(key, algorithm="RS256") for key in listed if key.get("kty") == "RSA"}
        except (requests.RequestException, ValueError, KeyError, jwt.PyJWTError) as fault:
            raise Retryable(
                ErrorCode.IDENTITY_UNAVAILABLE, f"Microsoft's signing keys cannot be read ({type(fault).__name__})."
            ) from fault
