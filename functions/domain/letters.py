"""Which mail an event makes, and what it says. Pure."""

from __future__ import annotations

from functions.domain.event import Event, EventKind
from functions.domain.mail import MailDraft, MailKind

_KINDS = {
    EventKind.JOB_FAILED: MailKind.JOB_FAILED,
    EventKind.JOB_COMPLETED_WITH_FAILURES: MailKind.JOB_COMPLETED_WITH_FAILURES,
    EventKind.FINANCIAL_MISMATCH: MailKind.FINANCIAL_MISMATCH,
    EventKind.JOB_UNDELIVERED: MailKind.JOB_STUCK,
    EventKind.SCAN_STALLED: MailKind.JOB_STUCK,
    EventKind.AGENT_OFFLINE: MailKind.AGENT_OFFLINE,
    EventKind.SIGN_IN_FAILING: MailKind.SIGN_IN_FAILING,
}
"""The other kinds make none: one failed sign-in is no reason, and who finds that a connection ends posts that mail."""
_SAID_ELSEWHERE = frozenset({"azure-credentials-expired"})
"""A job that fails for this: the mail that the connection has ended says so, and one mail is enough."""


def letter(event: Event) -> MailDraft | None:
    """Result: the mail that the event makes; None if it makes none."""
    kind = _KINDS.get(event.kind)
    code = event.facts.get("code")
    if kind is None or code in _SAID_ELSEWHERE:
        return None
    if kind is MailKind.JOB_COMPLETED_WITH_FAILURES and code == EventKind.FINANCIAL_MISMATCH.value:
        return None  # Nothing failed but that, which has a mail of its own.
    return MailDraft(
        kind=kind,
        subject_id=event.event_id,
        project_id=event.project_id,
        due_on=event.at.date(),
        facts={name: said for name, said in event.facts.items() if said},
    )
