"""Mail neither lost nor doubled over Azurite and the real EmailClient, against a service that keeps doubles."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from functions.adapters.access import StorageAccess
from functions.adapters.mail_acs import AcsAccess, AcsMailer
from functions.adapters.randomness import SystemTokens
from functions.adapters.tables import AzureTables
from functions.domain.limits import Limits
from functions.domain.mail import MailDraft, MailKind
from functions.domain.mail_rows import CopyState
from functions.domain.mail_views import RecipientBody
from functions.domain.views import ClientCreate, ProjectCreate
from functions.services import Services, assemble
from local.azurite import Azurite
from local.certificates import Certificates
from local.mail.process import MailServer
from local.ports import free_ports
from tests.fixtures_stack import STATE_ACCOUNT
from tests.harness.stepped import Stepped, Steps
from tests.memory.world import ADMIN, DEPLOYMENT, ORGANIZATION, World

KEY = base64.b64encode(b"k" * 64).decode()
LETTERS = 8
ADDRESSES = ("a@church.example", "b@church.example")


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def mail(tmp_path: Path, certificates: Certificates) -> Iterator[MailServer]:
    first, second = free_ports(2)
    server = MailServer(tmp_path, certificates.ca_file.parent, KEY, (first, second))
    server.start()
    yield server
    server.stop()


class Cloud:
    """Storage and a mail service, used by any number of instances; one clock for all."""

    def __init__(self, azurite: Azurite, mail: MailServer, ca_file: Path) -> None:
        self.mail = mail
        self.world = World(Limits(mail_per_minute=10_000, mail_per_hour=10_000))
        access = StorageAccess(connection_string=azurite.account(STATE_ACCOUNT).connection_string, ca_file=str(ca_file))
        self.tables = AzureTables(access)
        self.mailer = AcsMailer(AcsAccess(mail.url, "noreply@acme.example", KEY, ca_file=str(ca_file)))
        self.project_id = ""

    def instance(self, steps: Steps | None = None) -> Services:
        steps = steps or Steps()
        tables, mailer = Stepped(self.tables, "tables", steps), Stepped(self.mailer, "mailer", steps)
        ports = replace(self.world.ports, tables=tables, mailer=mailer, tokens=SystemTokens())
        return assemble(ports, DEPLOYMENT, self.world.limits)

    def new_project(self, services: Services, addresses: tuple[str, ...]) -> None:
        client = services.clients.create(ADMIN, ClientCreate(name="St. Mary"))
        project = services.projects.create(ADMIN, ProjectCreate(client_id=client.client_id, name="Move"))
        self.project_id = project.project_id
        for address in addresses:
            services.recipients.add(ADMIN, self.project_id, RecipientBody(address=address))

    def draft(self, subject: str) -> MailDraft:
        day = self.world.clock().date()
        facts = {"job_id": "job_" + "a" * 24, "job_name": "Copy", "code": "target-access-denied"}
        return MailDraft(MailKind.JOB_FAILED, subject, self.project_id, day, facts)

    def got(self) -> Counter[tuple[str, str]]:
        return Counter((sent.to, sent.operation_id) for sent in self.mail.control.mails())

    def states(self, services: Services) -> list[str]:
        return [mail.state for mail in services.mails.list(ADMIN, self.project_id).items]


@pytest.fixture
def cloud(azurite: Azurite, mail: MailServer, certificates: Certificates) -> Cloud:
    return Cloud(azurite, mail, certificates.ca_file)


def test_two_instances_that_race_send_each_copy_once_also_where_answers_are_lost(cloud: Cloud) -> None:
    cloud.new_project(cloud.instance(), ADDRESSES)
    cloud.mail.control.lose_answer(times=3)
    cloud.mail.control.lose_answer(503, times=2)
    drafts = [cloud.draft(f"race-{number}") for number in range(LETTERS)]
    for _ in range(6):
        gate = threading.Barrier(2)
        faults: list[BaseException] = []

        def sweep(gate: threading.Barrier = gate, faults: list[BaseException] = faults) -> None:
            try:
                services = cloud.instance()
                gate.wait()
                for draft in drafts:
                    services.outbox.post(ORGANIZATION, draft)
                services.outbox.run(3600)
            except BaseException as fault:  # noqa: BLE001 - shown by the test's own thread
                faults.append(fault)

        threads = [threading.Thread(target=sweep) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        cloud.world.clock.forward(cloud.world.limits.mail_claim_seconds + 1)
    got = cloud.got()
    assert len(got) == LETTERS * len(ADDRESSES)
    assert set(got.values()) == {1}
    assert set(cloud.states(cloud.instance())) == {CopyState.SENT.value}


def test_a_crash_at_any_step_is_made_good_by_the_next_instance(cloud: Cloud) -> None:
    cloud.new_project(cloud.instance(), ADDRESSES[:1])

    def work(services: Services, draft: MailDraft) -> None:
        services.outbox.post(ORGANIZATION, draft)
        services.outbox.run(3600)
        cloud.world.clock.forward(31)
        services.outbox.run(3600)

    def crash() -> None:
        raise Crash

    undisturbed = Steps()
    work(cloud.instance(undisturbed), cloud.draft("undisturbed"))
    for step in range(len(undisturbed.names)):
        draft = cloud.draft(f"crash-{step}")
        try:
            work(cloud.instance(Steps({step: crash})), draft)
        except Crash:
            cloud.world.clock.forward(cloud.world.limits.mail_claim_seconds + 1)
        work(cloud.instance(), draft)
        got = cloud.got()
        assert len(got) == step + 2, undisturbed.names[step]
        assert set(got.values()) == {1}, undisturbed.names[step]
    cloud.world.clock.forward(cloud.world.limits.mail_claim_seconds + 1)
    cloud.instance().outbox.run(3600)
    assert set(cloud.states(cloud.instance())) == {CopyState.SENT.value}
