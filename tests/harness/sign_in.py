"""Signing in at the local identity server with MSAL, apart from the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msal
import pytest
import requests

from local.certificates import Certificates
from local.customer_cloud import CustomerCloud
from local.entra.browser import Browser
from local.entra.directory import Person
from local.entra.process import Entra

SCOPE = "https://storage.azure.com/user_impersonation"


class MsalApplication:
    """What the product does, by MSAL: one application at one tenant."""

    REDIRECT = "http://127.0.0.1:9/back"

    def __init__(self, entra: Entra, cloud: CustomerCloud, certificates: Certificates) -> None:
        self._entra = entra
        self._cloud = cloud
        self._ca_file: Path = certificates.ca_file

    def _client(self) -> msal.ConfidentialClientApplication:
        """A new one for each call: it keeps a refusal for a minute."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self._ca_file)
        return msal.ConfidentialClientApplication(
            self._cloud.client_id,
            client_credential=self._cloud.client_secret,
            authority=f"{self._entra.authority}/{self._cloud.tenant_id}",
            instance_discovery=False,
            http_client=session,
        )

    def start(self) -> dict[str, Any]:
        return self._client().initiate_auth_code_flow([SCOPE], redirect_uri=self.REDIRECT, response_mode="query")

    def answer_of(self, flow: dict[str, Any], person: Person, *, answer: str = "accept") -> dict[str, str]:
        """What the browser brings back to the reply address, where nobody listens."""
        with Browser(self._ca_file, self._entra.authority) as browser, pytest.raises(httpx.ConnectError) as back:
            browser.sign_in(browser.get(flow["auth_uri"]), person, answer=answer)
        return facts_of(back.value)

    def finish(self, flow: dict[str, Any], answer: dict[str, str]) -> dict[str, Any]:
        return self._client().acquire_token_by_auth_code_flow(flow, answer)

    def sign_in(self, person: Person) -> dict[str, Any]:
        flow = self.start()
        return self.finish(flow, self.answer_of(flow, person))

    def redeem(self, refresh_token: str) -> dict[str, Any]:
        return self._client().acquire_token_by_refresh_token(refresh_token, [SCOPE])


def facts_of(fault: httpx.RequestError) -> dict[str, str]:
    """What was sent to the reply address."""
    assert str(fault.request.url).startswith(MsalApplication.REDIRECT)
    return dict(parse_qsl(fault.request.url.query.decode()))
