"""The outbox: posts letters, and sends each copy once. See docs/mail.md for why none is lost or sent twice."""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.mail import MailDraft, MailKind


@dataclass(frozen=True, slots=True)
class MailRun:
    """What one run of the outbox did, in copies."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0


class MailOutbox:
    """The only writer of letters and copies."""

    def post(self, organization: str, draft: MailDraft) -> None:
        """Keeps the letter until it is sent. Posted again with the same kind, subject and day, nothing happens.

        Recipients are those of this moment: the project's, the operators' where it has none or the kind is theirs.
        Sends nothing itself. Raises Retryable(storage-unavailable); ValueError for a draft that says too little.
        """
        raise NotImplementedError

    def withdraw(self, organization: str, project_id: str, *kinds: MailKind) -> int:
        """What these kinds say is no longer so: copies that wait are not sent any more. Result: how many."""
        raise NotImplementedError

    def run(self, budget_seconds: float) -> MailRun:
        """Sends what is due, for about so long. Result: what was done.

        May run on several instances at once and be cut off anywhere.
        """
        raise NotImplementedError
