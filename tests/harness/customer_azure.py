"""A customer's Azure for the adapters: identity server, storage front and emulator, and people who sign in there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from functions.adapters.customer_accounts import AzureCustomerAccounts
from functions.adapters.entra import ConsentApp, EntraIdentity
from functions.adapters.randomness import utc_now
from local.azurite import Azurite
from local.certificates import Certificates
from local.customer_cloud import CustomerCloud, new_customer_cloud
from local.entra.browser import Browser
from local.entra.process import Entra
from local.ports import free_ports
from local.storage_front.process import StorageFront

REDIRECT = "http://127.0.0.1:9/connect/callback"
"""Nobody listens there: what was sent to it is read off the attempt."""


@dataclass(frozen=True)
class CustomerAzure:
    """Three servers, and what the product makes of them."""

    cloud: CustomerCloud
    entra: Entra
    front: StorageFront
    azurite: Azurite
    ca_file: Path

    def identity(self, *, secret: str = "") -> EntraIdentity:
        """As a fresh process has it: MSAL keeps a refusal for a minute."""
        client_secret = secret or self.cloud.client_secret
        return EntraIdentity(ConsentApp(self.cloud.client_id, client_secret, self.entra.authority, str(self.ca_file)))

    def accounts(self, **options: object) -> AzureCustomerAccounts:
        return AzureCustomerAccounts(utc_now, local_url=self.front.url, ca_file=str(self.ca_file), **options)  # type: ignore[arg-type]

    def answer(self, url: str, kind: str, *, answer: str = "accept") -> dict[str, str]:
        """What the browser of that kind of person brings back."""
        person = self.cloud.person(kind)
        with Browser(self.ca_file, self.entra.authority) as browser, pytest.raises(httpx.ConnectError) as back:
            browser.sign_in(browser.get(url), person, answer=answer)
        assert str(back.value.request.url).startswith(REDIRECT)
        return dict(parse_qsl(back.value.request.url.query.decode()))

    def refresh_token(self, kind: str) -> str:
        """Of a sign-in that has just succeeded."""
        identity = self.identity()
        begun = identity.begin(self.cloud.tenant_id, REDIRECT)
        return identity.finish(self.cloud.tenant_id, begun.flow, self.answer(begun.url, kind)).refresh_token

    def access(self, kind: str) -> str:
        """An access token."""
        return self.identity().redeem(self.cloud.tenant_id, self.refresh_token(kind)).access_token

    def recover(self) -> None:
        """Ends everything that a test has asked for."""
        self.entra.control.recover()
        self.entra.control.move_clock(0)
        self.entra.control.allow_user_consent(self.cloud.tenant_id)
        self.front.control.recover()


@contextmanager
def customer_azure(folder: Path, certificates: Certificates) -> Iterator[CustomerAzure]:
    """Runs the servers for a block."""
    cloud = new_customer_cloud()
    ports = free_ports(4)
    directory = certificates.ca_file.parent
    entra = Entra(folder, directory, cloud.directory((REDIRECT,)), (ports[0], ports[1]))
    azurite = Azurite(folder, certificates, cloud.account_keys(), in_memory=True)
    front = StorageFront(folder, directory, azurite, entra, cloud.accounts(), (ports[2], ports[3]))
    entra.launch()
    front.launch()
    try:
        azurite.start()
        entra.wait_ready()
        front.wait_ready()
        yield CustomerAzure(cloud, entra, front, azurite, certificates.ca_file)
    finally:
        for server in (front, entra, azurite):
            server.stop()
