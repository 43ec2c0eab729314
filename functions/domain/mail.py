"""Mail: its kinds, what each has to say, and the ports that write and carry it.

Nouns: a *letter* is one thing to say about one subject, due on one day; a *copy* is the letter to one recipient, with
an *operation id* of its own, by which the mail service knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique
from typing import Protocol


@unique
class MailKind(StrEnum):
    """Set by the service that found the reason for the mail."""

    CONNECTION_EXPIRING = "connection-expiring"
    """The token checker, at 14, 7, 3, 1 days left. Facts days_left, expires_on; may say account, container, reason."""
    CONNECTION_EXPIRED = "connection-expired"
    """Whoever finds that the customer has to sign in again: fact reason; may say account, container, jobs."""
    RECONNECT_LINK = "reconnect-link"
    """An operator who sends the customer's link: may say account, container, sent_by."""
    JOB_FAILED = "job-failed"
    """Facts job_id, job_name, code; may say detail, source, destination."""
    JOB_COMPLETED_WITH_FAILURES = "job-completed-with-failures"
    """Facts job_id, job_name, failed; may say transferred, unchanged, source, destination, unit (file or record)."""
    FINANCIAL_MISMATCH = "financial-mismatch"
    """Facts job_id, job_name; may say detail, differing, unexplained, currency."""
    AGENT_OFFLINE = "agent-offline"
    """Facts agent_id, agent_name, since; may say jobs."""
    JOB_STUCK = "job-stuck"
    """Facts job_id, job_name, code; may say detail, since."""
    SIGN_IN_FAILING = "sign-in-failing"
    """Three failed sign-ins in an hour. Facts count, code; may say detail, account."""
    IDENTITY_PROVIDER_MISCONFIGURED = "identity-provider-misconfigured"
    """Our own registration is refused. Fact code; may say detail."""
    CLIENT_SECRET_EXPIRING = "client-secret-expiring"  # noqa: S105 - a kind of mail
    """Our own client secret ends soon. Facts days_left, expires_on."""
    TEST = "test"
    """An operator who tries the mail. May say sent_by."""


TO_OPERATORS = frozenset(
    {MailKind.SIGN_IN_FAILING, MailKind.IDENTITY_PROVIDER_MISCONFIGURED, MailKind.CLIENT_SECRET_EXPIRING}
)
"""Kinds that go to the operators' addresses (a setting), whatever project they name."""
ASKED_FOR = frozenset({MailKind.RECONNECT_LINK, MailKind.TEST})
"""Kinds that a person sends by hand: nobody can unsubscribe from them."""
WITH_RECONNECT_LINK = frozenset({MailKind.CONNECTION_EXPIRING, MailKind.CONNECTION_EXPIRED, MailKind.RECONNECT_LINK})
"""Kinds whose link opens the customer's page of the project, which needs no operator role."""
NEEDED_FACTS: Mapping[MailKind, frozenset[str]] = {
    MailKind.CONNECTION_EXPIRING: frozenset({"days_left", "expires_on"}),
    MailKind.CONNECTION_EXPIRED: frozenset({"reason"}),
    MailKind.RECONNECT_LINK: frozenset(),
    MailKind.JOB_FAILED: frozenset({"job_id", "job_name", "code"}),
    MailKind.JOB_COMPLETED_WITH_FAILURES: frozenset({"job_id", "job_name", "failed"}),
    MailKind.FINANCIAL_MISMATCH: frozenset({"job_id", "job_name"}),
    MailKind.AGENT_OFFLINE: frozenset({"agent_id", "agent_name", "since"}),
    MailKind.JOB_STUCK: frozenset({"job_id", "job_name", "code"}),
    MailKind.SIGN_IN_FAILING: frozenset({"count", "code"}),
    MailKind.IDENTITY_PROVIDER_MISCONFIGURED: frozenset({"code"}),
    MailKind.CLIENT_SECRET_EXPIRING: frozenset({"days_left", "expires_on"}),
    MailKind.TEST: frozenset(),
}
"""What a draft must say; a draft without it is a mistake in the code that posts it."""


@dataclass(frozen=True, slots=True)
class MailDraft:
    """What a service wants said. One letter per kind, subject and day, however often it is posted.

    `subject_id` names what it is about: characters that a table key may hold, e.g. a job's id and its attempt
    (`job_...-2`), a project's id, an agent's. `facts` are words for people, never a secret.
    """

    kind: MailKind
    subject_id: str
    project_id: str
    """"" for what is about no project: it goes to the operators."""
    due_on: date
    facts: Mapping[str, str] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    """Addresses in place of the project's recipients."""


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One mail as it is handed to a mail service."""

    to: str
    subject: str
    plain: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


@unique
class SendState(StrEnum):
    """What the mail service knows of an operation; set by the adapter."""

    UNKNOWN = "unknown"
    """It has never heard of it: nothing was sent under this operation id."""
    RUNNING = "running"
    """Accepted, not decided."""
    SUCCEEDED = "succeeded"
    """Handed on to the recipient's mail server's queue; delivery is reported apart from it."""
    FAILED = "failed"
    """Will not be sent."""


@dataclass(frozen=True, slots=True)
class SendStatus:
    """`code` and `detail` are the service's own, where it failed."""

    state: SendState
    code: str = ""
    detail: str = ""


class Mailer(Protocol):
    """A mail service. It need not notice that it is asked to send one operation twice: the caller makes sure."""

    def send(self, message: MailMessage, operation_id: str) -> SendStatus:
        """Hands one mail over, once, without trying again itself. Result: RUNNING or SUCCEEDED.

        Raises Retryable(mail-over-quota) and Retryable(mail-not-accepted): surely not sent, the first with the seconds
        to wait; Retryable(mail-unavailable): perhaps sent, so its status has to be asked; Fatal(mail-refused): this
        mail will never be taken.
        """

    def status(self, operation_id: str) -> SendStatus:
        """Result: what the service knows; UNKNOWN also from one that keeps no record of operations.

        Raises Retryable(mail-unavailable), Retryable(mail-over-quota), Retryable(mail-not-accepted).
        """


@dataclass(frozen=True, slots=True)
class MailContext:
    """What a letter's words need beside its facts; gathered when the mail is sent."""

    organization_name: str
    project_name: str
    client_name: str
    link: str
    """Where the mail's one button leads."""
    support: str
    unsubscribe_link: str = ""


@dataclass(frozen=True, slots=True)
class MailText:
    """One mail in words; plain and HTML say the same."""

    subject: str
    plain: str
    html: str


class MailTexts(Protocol):
    """Writes mails."""

    def write(self, kind: MailKind, facts: Mapping[str, str], context: MailContext) -> MailText:
        """Result: the mail's words."""


type ReconnectLinks = Callable[[str, str], str]
"""(organization, project id) -> the address of the customer's signed page of that project."""
