"""What every Mailer must do: in memory, as Azure Communication Services over the real SDK, and as SMTP."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from functions.adapters.mail_acs import AcsAccess, AcsMailer
from functions.adapters.mail_off import NoMailer
from functions.adapters.mail_smtp import SmtpAccess, SmtpMailer, SmtpSecurity
from functions.adapters.randomness import utc_now
from functions.domain.mail import Mailer, MailMessage, SendState
from local.certificates import Certificates, certificates_in
from local.mail.process import MailServer
from local.ports import free_ports
from migrate_contract.errors import ErrorCode, Retryable
from tests.memory.mailer import MemoryMailer
from tests.memory.world import refused

SENDER = "noreply@acme.example"
STOP = "<https://migrate.example/mail/unsubscribe/" + "acme.prj_000000000001.connection-expiring.0123456789" * 3 + ">"
MESSAGE = MailMessage(
    to="it@church.example",
    subject="Grüße – bitte neu anmelden",
    plain="Hello\n\nhttps://migrate.example/reconnect/x?a=1&b=2\n",
    html='<p>Hello</p><a href="https://migrate.example/reconnect/x?a=1&amp;b=2">Reconnect</a>',
    headers={"List-Unsubscribe": STOP, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)
KEY = base64.b64encode(b"k" * 64).decode()


class Service(Protocol):
    """A mailer under test, and the hands on the service behind it."""

    mailer: Mailer
    remembers: bool
    """Whether it can say what became of an operation."""

    def sent(self) -> list[EmailMessage]:
        """What left, parsed as MIME."""

    def be_busy(self) -> None:
        """Take nothing for now."""

    def lose_answers(self) -> None:
        """Send, and do not say so."""


def parsed(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=SMTP_POLICY)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


class InMemory:
    remembers = True

    def __init__(self) -> None:
        self.service = MemoryMailer()
        self.mailer: Mailer = self.service

    def sent(self) -> list[EmailMessage]:
        to_mime = SmtpMailer(SmtpAccess("x", 1, SENDER, "Acme", SmtpSecurity.NONE), utc_now).mime
        return [parsed(to_mime(mail.message, mail.operation_id).as_bytes()) for mail in self.service.sent]

    def be_busy(self) -> None:
        self.service.before_send = _raises(Retryable(ErrorCode.MAIL_OVER_QUOTA, "429", retry_after_seconds=7))

    def lose_answers(self) -> None:
        self.service.after_send = _raises(Retryable(ErrorCode.MAIL_UNAVAILABLE, "no answer"))


def _raises(fault: Exception) -> Any:
    def call(_: MailMessage) -> None:
        raise fault

    return call


class OverAcs:
    remembers = True

    def __init__(self, server: MailServer, ca_file: Path) -> None:
        self.server = server
        self.access = AcsAccess(server.url, SENDER, KEY, ca_file=str(ca_file))
        self.mailer: Mailer = AcsMailer(self.access)
        self._before = len(server.control.mails())

    def sent(self) -> list[EmailMessage]:
        return [parsed(mail.mime()) for mail in self.server.control.mails()[self._before :]]

    def be_busy(self) -> None:
        self.server.control.refuse(429, "TooManyRequests", retry_after=7)

    def lose_answers(self) -> None:
        self.server.control.lose_answer()


@dataclass
class SmtpHandler:
    """An SMTP server's mind."""

    envelopes: list[Envelope] = field(default_factory=list)
    answer: str = "250 OK"
    recipient_answer: str = "250 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("4"):
            return self.answer
        self.envelopes.append(envelope)
        return self.answer if self.answer.startswith("250") else "250 OK"


class OverSmtp:
    remembers = False

    def __init__(self, handler: SmtpHandler, access: SmtpAccess) -> None:
        self.handler = handler
        self.access = access
        self.mailer: Mailer = SmtpMailer(access, utc_now)

    def sent(self) -> list[EmailMessage]:
        return [parsed(envelope.original_content or b"") for envelope in self.handler.envelopes]

    def be_busy(self) -> None:
        self.handler.answer = "451 try later"

    def lose_answers(self) -> None:
        pytest.skip("an SMTP server cannot be asked")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[MailServer]:
    directory = tmp_path_factory.mktemp("mail")
    first, second = free_ports(2)
    running = MailServer(directory, certificates.ca_file.parent, KEY, (first, second))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def acs(server: MailServer, certificates: Certificates) -> Iterator[OverAcs]:
    yield OverAcs(server, certificates.ca_file)
    server.control.outage(False)
    server.control.recover()


@pytest.fixture
def smtp(certificates: Certificates) -> Iterator[OverSmtp]:
    """An SMTP server that wants STARTTLS and a password."""
    handler = SmtpHandler()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.chain_file, certificates.key_file)

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.login == b"relay" and data.password == b"opensesame", handled=False)

    (port,) = free_ports(1)
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
        loop=asyncio.new_event_loop(),
    )
    controller.start()
    access = SmtpAccess(
        "127.0.0.1",
        port,
        SENDER,
        "Acme",
        SmtpSecurity.STARTTLS,
        "relay",
        "opensesame",
        ca_file=str(certificates.ca_file),
    )
    yield OverSmtp(handler, access)
    controller.stop()


@pytest.fixture(params=["memory", "acs", "smtp"])
def service(request: pytest.FixtureRequest) -> Service:
    if request.param == "memory":
        return InMemory()
    found: Service = request.getfixturevalue(request.param)
    return found


def test_a_mail_arrives_whole(service: Service) -> None:
    assert service.mailer.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000001").state in (
        SendState.RUNNING,
        SendState.SUCCEEDED,
    )
    (mail,) = service.sent()
    assert mail["To"] == MESSAGE.to
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert str(mail["Subject"]).strip() == MESSAGE.subject
    assert "".join(str(mail["List-Unsubscribe"]).split()) == STOP
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == MESSAGE.plain
    assert html.get_content().strip() == MESSAGE.html


def test_what_it_has_never_heard_of_is_unknown(service: Service) -> None:
    assert service.mailer.status("0a6c4a3e-0000-4000-8000-000000000002").state is SendState.UNKNOWN


def test_it_sends_one_operation_as_often_as_it_is_asked(service: Service) -> None:
    for _ in range(2):
        service.mailer.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000003")
    assert len(service.sent()) == 2


def test_what_it_has_sent_it_knows_if_it_remembers_anything(service: Service) -> None:
    service.mailer.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000004")
    known = service.mailer.status("0a6c4a3e-0000-4000-8000-000000000004").state
    assert known is (SendState.SUCCEEDED if service.remembers else SendState.UNKNOWN)


def test_a_busy_service_sends_nothing_and_may_be_asked_later(service: Service) -> None:
    service.be_busy()
    with pytest.raises(Retryable) as caught:
        service.mailer.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000005")
    if service.remembers:
        assert (caught.value.code, caught.value.retry_after_seconds) == (ErrorCode.MAIL_OVER_QUOTA, 7)
    assert service.sent() == []


def test_a_lost_answer_is_told_and_the_mail_is_sent_once(service: Service) -> None:
    service.lose_answers()
    operation_id = "0a6c4a3e-0000-4000-8000-000000000006"
    refused(ErrorCode.MAIL_UNAVAILABLE, lambda: service.mailer.send(MESSAGE, operation_id))
    assert len(service.sent()) == 1
    assert service.mailer.status(operation_id).state is SendState.SUCCEEDED


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
def test_acs_is_not_asked_twice_where_it_may_have_sent(acs: OverAcs, status: int) -> None:
    acs.server.control.lose_answer(status)
    operation_id = f"0a6c4a3e-0000-4000-8000-000000000{status}"
    refused(ErrorCode.MAIL_UNAVAILABLE, lambda: acs.mailer.send(MESSAGE, operation_id))
    assert len(acs.sent()) == 1


def test_acs_with_a_wrong_key_does_not_accept_us(acs: OverAcs) -> None:
    wrong = AcsMailer(replace(acs.access, key=base64.b64encode(b"x" * 64).decode()))
    refused(ErrorCode.MAIL_NOT_ACCEPTED, lambda: wrong.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000007"))
    refused(ErrorCode.MAIL_NOT_ACCEPTED, lambda: wrong.status("0a6c4a3e-0000-4000-8000-000000000007"))
    assert acs.sent() == []


@pytest.mark.parametrize(
    ("status", "code", "meant"),
    [
        (403, "Denied", ErrorCode.MAIL_NOT_ACCEPTED),
        (404, "DomainNotFound", ErrorCode.MAIL_NOT_ACCEPTED),
        (400, "DomainNotLinked", ErrorCode.MAIL_NOT_ACCEPTED),
        (400, "InvalidRecipient", ErrorCode.MAIL_REFUSED),
        (413, "TooLarge", ErrorCode.MAIL_REFUSED),
    ],
)
def test_what_acs_refuses_has_a_code_and_says_which(acs: OverAcs, status: int, code: str, meant: ErrorCode) -> None:
    acs.server.control.refuse(status, code)
    fault = refused(meant, lambda: acs.mailer.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000008"))
    assert str(status) in fault.detail
    assert code in fault.detail
    assert KEY not in fault.detail


def test_acs_out_of_reach_is_unavailable(acs: OverAcs) -> None:
    acs.server.control.outage()
    refused(ErrorCode.MAIL_UNAVAILABLE, lambda: acs.mailer.send(MESSAGE, "0a6c4a3e-0000-4000-8000-000000000009"))
    refused(ErrorCode.MAIL_UNAVAILABLE, lambda: acs.mailer.status("0a6c4a3e-0000-4000-8000-000000000009"))


def test_acs_says_how_an_operation_ends(acs: OverAcs) -> None:
    acs.server.control.fail("EmailDroppedAllRecipientsSuppressed")
    acs.server.control.stay_running(1)
    operation_id = "0a6c4a3e-0000-4000-8000-00000000000a"
    assert acs.mailer.send(MESSAGE, operation_id).state is SendState.RUNNING
    assert acs.mailer.status(operation_id).state is SendState.RUNNING
    ended = acs.mailer.status(operation_id)
    assert (ended.state, ended.code) == (SendState.FAILED, "EmailDroppedAllRecipientsSuppressed")


def test_smtp_says_what_is_whose_fault(smtp: OverSmtp) -> None:
    wrong = SmtpMailer(replace(smtp.access, password="wrong"), utc_now)
    fault = refused(ErrorCode.MAIL_NOT_ACCEPTED, lambda: wrong.send(MESSAGE, "op"))
    assert "wrong" not in fault.detail
    untrusting = SmtpMailer(replace(smtp.access, ca_file=None), utc_now)
    refused(ErrorCode.MAIL_NOT_ACCEPTED, lambda: untrusting.send(MESSAGE, "op"))
    nobody = SmtpMailer(replace(smtp.access, port=free_ports(1)[0]), utc_now)
    refused(ErrorCode.MAIL_UNAVAILABLE, lambda: nobody.send(MESSAGE, "op"))
    smtp.handler.recipient_answer = "550 5.1.1 no such user"
    refused(ErrorCode.MAIL_REFUSED, lambda: smtp.mailer.send(MESSAGE, "op"))
    smtp.handler.recipient_answer = "450 greylisted"
    refused(ErrorCode.MAIL_UNAVAILABLE, lambda: smtp.mailer.send(MESSAGE, "op"))
    assert smtp.sent() == []


def test_smtp_gives_a_mail_that_is_sent_again_the_same_message_id(smtp: OverSmtp) -> None:
    for _ in range(2):
        smtp.mailer.send(MESSAGE, "op-7")
    assert {mail["Message-ID"] for mail in smtp.sent()} == {"<op-7@acme.example>"}


def test_without_a_mail_service_every_mail_says_so() -> None:
    refused(ErrorCode.MAIL_NOT_SET_UP, lambda: NoMailer().send(MESSAGE, "op"))
    assert NoMailer().status("op").state is SendState.UNKNOWN
