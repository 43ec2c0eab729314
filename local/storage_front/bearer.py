"""Bearer tokens, checked as Azure Storage does: signature, audience, times, and the account's own tenant."""

from __future__ import annotations

from typing import Any

import aiohttp
import jwt

RESOURCE = "https://storage.azure.com"
_LEEWAY_SECONDS = 300


class TokenRefused(Exception):
    """The token is not good for this account; answered 401 with the challenge."""


class BearerTokens:
    """Checks tokens against the keys of the identity server, which are asked for when they are not known."""

    def __init__(self, keys_url: str) -> None:
        """`keys_url` answers the list of JWKs."""
        self._keys_url = keys_url
        self._keys: dict[str, jwt.PyJWK] = {}

    async def person(self, token: str, tenant_id: str) -> str:
        """The object id of whom the token is about; raises TokenRefused."""
        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=[RESOURCE, f"{RESOURCE}/"],
                issuer=f"https://sts.windows.net/{tenant_id}/",
                leeway=_LEEWAY_SECONDS,
            )
        except jwt.InvalidTokenError as fault:
            raise TokenRefused(type(fault).__name__) from fault
        if "user_impersonation" not in str(claims.get("scp", "")).split():
            raise TokenRefused("no scope user_impersonation")
        return str(claims["oid"])

    async def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            async with aiohttp.ClientSession() as session, session.get(self._keys_url) as answer:
                self._keys = {entry["kid"]: jwt.PyJWK(entry) for entry in await answer.json()}
        if kid not in self._keys:
            raise TokenRefused("signed with a key that nobody published")
        return self._keys[kid]
