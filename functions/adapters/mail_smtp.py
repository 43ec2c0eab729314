"""The Mailer port over SMTP, for who has a mail server of their own.

SMTP keeps no record that could be asked for: after a crash between the server's answer and our writing it down, a mail
is sent again. Both then carry the same Message-ID, by which many mail programs show them as one.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, formataddr
from enum import StrEnum, unique

from functions.domain.mail import MailMessage, SendState, SendStatus
from functions.domain.ports import Clock
from migrate_contract.errors import ErrorCode, Fatal, Retryable

_SECONDS = 20
_PERMANENT = 500


@unique
class SmtpSecurity(StrEnum):
    """Set by the deployment."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """Loopback only."""


@dataclass(frozen=True, slots=True)
class SmtpAccess:
    """One mail server and how to sign in to it."""

    host: str
    port: int
    sender: str
    sender_name: str
    security: SmtpSecurity
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


class SmtpMailer:
    """Sends each mail over a connection of its own."""

    def __init__(self, access: SmtpAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    def send(self, message: MailMessage, operation_id: str) -> SendStatus:
        """See the port. SUCCEEDED: the server has taken it."""
        mail = self.mime(message, operation_id)
        with _translated(self._access.host), self._connection() as server:
            server.send_message(mail, from_addr=self._access.sender, to_addrs=[message.to])
        return SendStatus(SendState.SUCCEEDED)

    def status(self, operation_id: str) -> SendStatus:
        """See the port: SMTP knows nothing of what it took."""
        return SendStatus(SendState.UNKNOWN)

    def mime(self, message: MailMessage, operation_id: str) -> EmailMessage:
        """Result: the mail as it goes over the wire."""
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = formataddr((self._access.sender_name, self._access.sender))
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = f"<{operation_id}@{self._access.sender.rpartition('@')[2]}>"
        for name, value in message.headers.items():
            mail[name] = value
        mail.set_content(message.plain, cte="quoted-printable")
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        return mail

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        access = self._access
        trusted = ssl.create_default_context(cafile=access.ca_file)
        if access.security is SmtpSecurity.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(access.host, access.port, timeout=_SECONDS, context=trusted)
        else:
            server = smtplib.SMTP(access.host, access.port, timeout=_SECONDS)
        with server:
            if access.security is SmtpSecurity.STARTTLS:
                server.starttls(context=trusted)
            if access.user:
                server.login(access.user, access.password or "")
            yield server


@contextmanager
def _translated(host: str) -> Iterator[None]:
    """Turns what smtplib raises into what it means, by reply code."""
    try:
        yield
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused, smtplib.SMTPNotSupportedError) as fault:
        reply = getattr(fault, "smtp_code", "no TLS or no sign-in offered")
        raise Retryable(
            ErrorCode.MAIL_NOT_ACCEPTED, f"ONEMIGRATE_SMTP_HOST {host} does not take our sign-in or sender ({reply})."
        ) from fault
    except ssl.SSLCertVerificationError as fault:
        raise Retryable(
            ErrorCode.MAIL_NOT_ACCEPTED, f"ONEMIGRATE_SMTP_HOST {host}: its certificate is not trusted."
        ) from fault
    except smtplib.SMTPRecipientsRefused as fault:
        ((code, _),) = fault.recipients.values()
        raise _judged(host, code) from fault
    except smtplib.SMTPResponseException as fault:
        raise _judged(host, fault.smtp_code) from fault
    except (smtplib.SMTPException, OSError) as fault:
        raise Retryable(
            ErrorCode.MAIL_UNAVAILABLE, f"ONEMIGRATE_SMTP_HOST {host}: no answer ({type(fault).__name__})."
        ) from fault


def _judged(host: str, code: int) -> Fatal | Retryable:
    said = f"ONEMIGRATE_SMTP_HOST {host} answered {code}."
    if code >= _PERMANENT:
        return Fatal(ErrorCode.MAIL_REFUSED, said)
    return Retryable(ErrorCode.MAIL_UNAVAILABLE, said)
