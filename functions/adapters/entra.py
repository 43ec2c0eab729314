"""The IdentityService port over Entra ID: MSAL as a confidential client, one application per tenant, made when needed.

MSAL keeps no token here: what is renewed is kept by the store, and nothing else is kept at all. The id token is
validated by us (id_tokens.py), since MSAL leaves that to the application.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

import requests
from msal import ConfidentialClientApplication, TokenCache
from msal.exceptions import MsalError

from functions.adapters.id_tokens import IdTokens
from functions.domain.connection import STORAGE_SCOPE
from functions.domain.identity_ports import BegunSignIn, Redeemed, SignedIn
from functions.domain.identity_refusals import redemption_fault, refusal_of, sign_in_fault
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_SCOPES = [STORAGE_SCOPE]
_APPLICATIONS = 2000
"""Tenants whose application is kept; each was a call to make."""
_SECONDS = 15
_POOL = 64


@dataclass(frozen=True, slots=True)
class ConsentApp:
    """The multi-tenant app registration that customers consent to."""

    client_id: str
    client_secret: str = field(repr=False)
    authority: str = "https://login.microsoftonline.com"
    ca_file: str | None = None
    """An authority to trust in place of the system's: loopback only."""


class EntraIdentity:
    """Signs customers in. Safe for several threads."""

    def __init__(self, app: ConsentApp) -> None:
        self._app = app
        self._http = _Session(app.ca_file)
        self._id_tokens = IdTokens(app.authority, app.client_id, self._http)
        self._applications: OrderedDict[str, ConfidentialClientApplication] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, tenant_id: str, redirect_uri: str) -> BegunSignIn:
        """See the port."""
        # By query: a form that is posted from another site comes without the cookie that binds the browser.
        flow: dict[str, Any] = self._application(tenant_id).initiate_auth_code_flow(
            _SCOPES, redirect_uri=redirect_uri, response_mode="query", prompt="select_account"
        )
        url = flow.pop("auth_uri")
        return BegunSignIn(url=url, state=flow["state"], flow=json.dumps(flow))

    def finish(self, tenant_id: str, flow: str, answer: Mapping[str, str]) -> SignedIn:
        """See the port."""
        if "code" not in answer:
            raise sign_in_fault(refusal_of(answer.get("error"), None, answer.get("error_description")))
        application = self._application(tenant_id)
        try:
            result = application.acquire_token_by_auth_code_flow(json.loads(flow), dict(answer))
        except (requests.RequestException, MsalError) as fault:
            _silent(fault)
        except (ValueError, RuntimeError) as fault:  # State or nonce are not ours, or the answer is no JSON.
            raise Fatal(ErrorCode.SIGN_IN_STATE_LOST, "Microsoft's answer does not fit this sign-in.") from fault
        if "error" in result:
            raise sign_in_fault(_refusal(result))
        person = self._id_tokens.person(tenant_id, str(result.get("id_token", "")))
        refresh_token = str(result.get("refresh_token", ""))
        if not refresh_token:
            raise Fatal(ErrorCode.IDENTITY_MISCONFIGURED, "Microsoft gave no refresh token.")
        return SignedIn(person, refresh_token)

    def redeem(self, tenant_id: str, refresh_token: str) -> Redeemed:
        """See the port."""
        application = self._application(tenant_id)
        try:
            result = application.acquire_token_by_refresh_token(refresh_token, _SCOPES)
        except (requests.RequestException, MsalError, ValueError) as fault:
            _silent(fault)
        if "error" in result:
            raise redemption_fault(_refusal(result))
        return Redeemed(str(result["access_token"]), str(result.get("refresh_token") or refresh_token))

    def approval_url(self, tenant_id: str, redirect_uri: str) -> str:
        """See the port."""
        query = urlencode({"client_id": self._app.client_id, "scope": STORAGE_SCOPE, "redirect_uri": redirect_uri})
        return f"{self._app.authority}/{tenant_id}/v2.0/adminconsent?{query}"

    def _application(self, tenant_id: str) -> ConfidentialClientApplication:
        """Result: the application at that tenant. Making one asks for the tenant's addresses."""
        with self._lock:
            if tenant_id in self._applications:
                self._applications.move_to_end(tenant_id)
                return self._applications[tenant_id]
        try:
            made = ConfidentialClientApplication(
                self._app.client_id,
                client_credential=self._app.client_secret,
                authority=f"{self._app.authority}/{tenant_id}",
                instance_discovery=False,
                http_client=self._http,
                token_cache=_KeepsNothing(),
                http_cache=_ForgetsAnswers(),
            )
        except (requests.RequestException, MsalError, RuntimeError) as fault:
            _silent(fault)
        except ValueError as fault:
            raise Fatal(
                ErrorCode.IDENTITY_MISCONFIGURED, f"{self._app.authority} does not know tenant {tenant_id}."
            ) from fault
        with self._lock:
            self._applications[tenant_id] = made
            while len(self._applications) > _APPLICATIONS:
                self._applications.popitem(last=False)
        return made


class _KeepsNothing(TokenCache):  # type: ignore[misc]
    """MSAL would keep every token for the life of the process."""

    def add(self, event: object, now: object = None) -> None:
        """See msal."""


class _ForgetsAnswers(dict[str, Any]):
    """MSAL would answer from a fault of a minute ago, and one person's at the sign-in to everybody of the tenant."""

    def __setitem__(self, key: str, value: object) -> None:
        """See msal."""


class _Session(requests.Session):
    """Given to MSAL, whose own timeout counts no longer then; an authority of one's own is asked without a proxy."""

    def __init__(self, ca_file: str | None) -> None:
        super().__init__()
        # A REQUESTS_CA_BUNDLE of the environment would overrule `verify`.
        self.trust_env = ca_file is None
        self.verify = ca_file or True
        self.mount("https://", requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=_POOL))

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """See requests."""
        options.setdefault("timeout", _SECONDS)
        return super().request(*args, **options)


def _refusal(result: Mapping[str, Any]) -> Any:
    return refusal_of(result.get("error"), result.get("error_codes"), result.get("error_description"))


def _silent(fault: Exception) -> NoReturn:
    """Raises Retryable: there was no answer, or none to be understood. Its words may hold anything."""
    raise Retryable(
        ErrorCode.IDENTITY_UNAVAILABLE, f"Microsoft's sign-in gave no answer ({type(fault).__name__})."
    ) from None
