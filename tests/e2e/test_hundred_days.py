"""A hundred days with a moved clock: a real sign-in at the local identity server, mails at the local mail service.

The control plane's services run in this process on a clock of the test; the identity server's clock is moved along.
Rows are in memory, and so is the customer's storage account: signatures have their own clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest

from functions.adapters.entra import ConsentApp, EntraIdentity
from functions.adapters.mail_acs import AcsAccess, AcsMailer
from functions.domain.connection import CALLBACK_PATH, StorageName
from functions.domain.limits import Limits
from functions.domain.mail_views import RecipientBody
from functions.domain.views import ListQuery, ProjectStatus
from functions.services import Deployment, assemble
from local.certificates import Certificates
from local.customer_cloud import ACCOUNT, OWNER, CustomerCloud, new_customer_cloud
from local.entra.browser import Browser
from local.entra.process import Entra
from local.mail.process import MailServer
from local.ports import free_ports
from migrate_contract.errors import ErrorCode
from tests.memory.chance import ManualClock
from tests.memory.customer_accounts import Account, MemoryCustomerAccounts
from tests.memory.world import ADMIN, DEPLOYMENT, World, connector

BASE = "http://127.0.0.1:9"
KEY = "a2V5LW9mLXRoZS1sb2NhbC1tYWlsLXNlcnZlcg=="
RECIPIENT = "it@church.example"
DAYS = 100


class JwtAccounts(MemoryCustomerAccounts):
    """The customer's account, which reads the tokens of the identity server."""

    def person(self, name: StorageName, token: str) -> str:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        assert claims["aud"] == "https://storage.azure.com"
        assert claims["tid"] == self.need(name).tenant_id
        return str(claims["oid"])


class Calendar:
    """One deployment, one customer's project, and the days that pass."""

    def __init__(self, entra: Entra, mail: MailServer, cloud: CustomerCloud, ca_file: Path) -> None:
        self.entra, self.mail, self.cloud = entra, mail, cloud
        self._ca_file = ca_file
        self.world = World(Limits(token_report_days=2 * DAYS))
        self.clock: ManualClock = self.world.clock
        self.began = datetime.now(UTC).replace(microsecond=0)
        self.clock.now = self.began
        accounts = JwtAccounts(self.clock, self.world.identity)
        owner = cloud.object_ids[OWNER]
        accounts.accounts = {ACCOUNT: Account(tenant_id=cloud.tenant_id, contributors={owner})}
        app = ConsentApp(cloud.client_id, cloud.client_secret, entra.authority, str(ca_file))
        ports = replace(
            self.world.ports,
            identity=EntraIdentity(app),
            customer_accounts=accounts,
            mailer=AcsMailer(AcsAccess(mail.url, "noreply@acme.example", KEY, ca_file=str(ca_file))),
        )
        deployment: Deployment = replace(DEPLOYMENT, public_url=BASE)
        self.services = assemble(ports, deployment, self.world.limits)
        client = self.world.client()
        self.project_id = self.world.project(client, connected=False)
        self.services.recipients.add(ADMIN, self.project_id, RecipientBody(address=RECIPIENT))
        self.sign_in()

    def sign_in(self) -> None:
        """The customer signs in with a browser, and saves."""
        who = connector(self.project_id)
        start = self.services.sign_ins.begin(who, ACCOUNT, "files")
        with Browser(self._ca_file, self.entra.authority) as browser, pytest.raises(httpx.ConnectError) as back:
            browser.sign_in(browser.get(start.url), self.cloud.person(OWNER))
        answer = dict(parse_qsl(back.value.request.url.query.decode()))
        draft = self.services.sign_ins.finish(start.browser, answer)
        self.services.connection_drafts.save(who, draft.draft_id, "files")

    def day(self) -> None:
        """A day passes: the checker's timer, and the sweeps that send mail and ask what became of it."""
        self.clock.now += timedelta(days=1)
        self.entra.control.move_clock((self.clock.now - datetime.now(UTC)).total_seconds())
        self.services.token_checks.run()
        for _ in range(2):
            self.services.sweeps.run()
            self.clock.forward(120)
        self.clock.forward(-240)

    @property
    def status(self) -> ProjectStatus:
        return self.services.projects.show(ADMIN, self.project_id).status

    def mails(self) -> list[str]:
        """The subjects that reached the customer's mailbox."""
        return [mail.subject for mail in self.mail.control.mails(RECIPIENT)]


@pytest.fixture
def calendar(tmp_path: Path, certificates: Certificates) -> Iterator[Calendar]:
    cloud = new_customer_cloud()
    folder = certificates.ca_file.parent
    (identity, identity_control), (service, service_control) = (free_ports(2) for _ in range(2))
    entra = Entra(tmp_path, folder, cloud.directory((BASE + CALLBACK_PATH,)), (identity, identity_control))
    mail = MailServer(tmp_path, folder, KEY, (service, service_control))
    entra.start()
    try:
        mail.start()
        yield Calendar(entra, mail, cloud, certificates.ca_file)
    finally:
        mail.stop()
        entra.stop()


def alerts(calendar: Calendar) -> list[str]:
    return [alert.code for alert in calendar.services.alerts.list(ADMIN, ListQuery()).items]


def test_healthy_no_mail_and_no_gap(calendar: Calendar) -> None:
    for _ in range(DAYS):
        calendar.day()
    (look,) = calendar.services.token_reports.checks(ADMIN, ListQuery()).items
    assert calendar.clock.now - look.redeemed_at < timedelta(days=7)
    assert look.expires_at - calendar.clock.now > timedelta(days=82)
    assert (calendar.mails(), alerts(calendar), calendar.status) == ([], [], ProjectStatus.PLANNING)
    runs = calendar.services.token_reports.runs(ADMIN, ListQuery(limit=200)).items
    redeemed = sorted((run.began_at.date() - calendar.began.date()).days for run in runs if run.redeemed)
    assert len(redeemed) == 14
    assert {later - earlier for earlier, later in pairwise(redeemed)} == {7}
    assert sum(run.looked for run in runs) == DAYS


def test_unreachable_from_day_5_each_mail_once_and_then_the_end(calendar: Calendar) -> None:
    mailed: dict[int, int] = {}
    for number in range(1, DAYS + 1):
        if number == 5:
            calendar.entra.control.outage(True)
        before = len(calendar.mails())
        calendar.day()
        if new := len(calendar.mails()) - before:
            mailed[number] = new
        assert (calendar.status is ProjectStatus.AUTH_REQUIRED) is (number >= 90), number
    assert mailed == {76: 1, 83: 1, 87: 1, 89: 1, 90: 1}
    assert len(set(calendar.mails())) == 5, "each says something else"
    assert alerts(calendar) == [ErrorCode.IDENTITY_UNAVAILABLE.value]


def test_revoked_on_day_40_one_mail(calendar: Calendar) -> None:
    for number in range(1, DAYS + 1):
        if number == 40:
            calendar.entra.control.revoke(calendar.cloud.object_ids[OWNER])
        calendar.day()
        assert (calendar.status is ProjectStatus.AUTH_REQUIRED) is (number >= 42), number
    assert len(calendar.mails()) == 1
    assert alerts(calendar) == []
    end = calendar.services.projects.show(ADMIN, calendar.project_id).sign_in_end
    assert end is not None
    assert "50173" in end.reason
    (mail,) = calendar.mail.control.mails(RECIPIENT)
    assert "AADSTS50173" in mail.plain
    assert f"{BASE}/reconnect/" in mail.plain
