"""The Mailer port in memory: a mail service that does not notice doubles, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from functions.domain.mail import MailMessage, SendState, SendStatus


@dataclass(frozen=True)
class SentMail:
    """One mail that left, under this operation."""

    operation_id: str
    message: MailMessage


class MemoryMailer:
    """Sends whatever it is asked to, as often as it is asked to."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._operations: dict[str, SendStatus] = {}
        self.sent: list[SentMail] = []
        self.outcome = SendStatus(SendState.SUCCEEDED)
        """What becomes of mails that are sent from now on."""
        self.running = 0
        """So many questions are answered "running" first."""
        self.before_send: Callable[[MailMessage], None] | None = None
        """Called before a mail leaves: tests raise what the service would refuse with."""
        self.after_send: Callable[[MailMessage], None] | None = None
        """Called after it has left, before the caller hears of it: tests lose the answer."""
        self.asked = 0

    def send(self, message: MailMessage, operation_id: str) -> SendStatus:
        if self.before_send is not None:
            self.before_send(message)
        with self._lock:
            self.sent.append(SentMail(operation_id, message))
            self._operations[operation_id] = self.outcome
        if self.after_send is not None:
            self.after_send(message)
        return SendStatus(SendState.RUNNING)

    def status(self, operation_id: str) -> SendStatus:
        self.asked += 1
        with self._lock:
            known = self._operations.get(operation_id)
            if known is None:
                return SendStatus(SendState.UNKNOWN)
            if self.running > 0:
                self.running -= 1
                return SendStatus(SendState.RUNNING)
            return known

    def forget(self, operation_id: str) -> None:
        """The service keeps no record of this operation any more."""
        with self._lock:
            self._operations.pop(operation_id, None)

    def to(self, address: str) -> list[MailMessage]:
        """What this address got."""
        return [mail.message for mail in self.sent if mail.message.to == address]
