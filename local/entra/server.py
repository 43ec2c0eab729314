"""The identity server put together: its addresses, and what runs behind each."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from local.entra.directory import MULTI_TENANT, Directory
from local.entra.refusals import Refusal, Refused
from local.entra.sign_in_pages import SignInPages
from local.entra.state import State
from local.entra.token_endpoint import TokenEndpoint
from local.entra.tokens import Keys, Tokens


class Server:
    """One authority, at `https://127.0.0.1:<port>`."""

    def __init__(self, directory: Directory, state: State, keys: Keys, authority: str) -> None:
        tokens = Tokens(keys, state, authority)
        self._directory = directory
        self._state = state
        self._keys = keys
        self._authority = authority
        self._pages = SignInPages(directory, state, tokens)
        self._token = TokenEndpoint(directory, state, tokens, authority)

    def application(self) -> web.Application:
        """The HTTPS side."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
                web.get("/{tenant}/discovery/v2.0/keys", self._published),
                web.get("/{tenant}/oauth2/v2.0/authorize", self._pages.authorize),
                web.post("/{tenant}/oauth2/v2.0/authorize", self._pages.authorize),
                web.get("/{tenant}/v2.0/adminconsent", self._pages.admin_consent),
                web.post("/{tenant}/v2.0/adminconsent", self._pages.admin_consent),
                web.get("/{tenant}/adminconsent", self._pages.admin_consent),
                web.post("/{tenant}/adminconsent", self._pages.admin_consent),
                web.post("/{tenant}/oauth2/v2.0/token", self._token.handle),
            ]
        )
        return application

    async def _published(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": self._keys.published()})

    async def _discovery(self, request: web.Request) -> web.Response:
        tenant_id = request.match_info["tenant"].lower()
        if self._directory.tenant(tenant_id) is None and tenant_id not in MULTI_TENANT:
            refused = Refused(Refusal.UNKNOWN_TENANT, tenant=tenant_id)
            return web.json_response(refused.document(self._state.moment(), self._authority), status=400)
        return web.json_response(self._configuration(tenant_id))

    def _configuration(self, tenant_id: str) -> dict[str, Any]:
        here = f"{self._authority}/{tenant_id}"
        issuer = "{tenantid}" if tenant_id in MULTI_TENANT else tenant_id
        return {
            "issuer": f"{self._authority}/{issuer}/v2.0",
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "end_session_endpoint": f"{here}/oauth2/v2.0/logout",
            "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }
