"""What the mail service has sent, kept in a folder, and what goes wrong next on request."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SentMail:
    """One mail that left. `content` is the body of the request that asked for it."""

    number: int
    operation_id: str
    sent_at: str
    content: dict[str, Any]
    state: str
    error: dict[str, str] | None

    @property
    def to(self) -> str:
        """The recipient's address."""
        return str(self.content["recipients"]["to"][0]["address"])

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.content["content"]["subject"])

    @property
    def plain(self) -> str:
        """The plain text."""
        return str(self.content["content"].get("plainText", ""))

    @property
    def html(self) -> str:
        """The HTML."""
        return str(self.content["content"].get("html", ""))

    def mime(self) -> bytes:
        """The mail as a recipient's server would get it."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.content["senderAddress"]
        mail["To"] = self.to
        mail["Subject"] = self.subject
        mail["Date"] = format_datetime(datetime.fromisoformat(self.sent_at))
        mail["Message-ID"] = f"<{self.operation_id}@mail.local>"
        for name, value in self.content.get("headers", {}).items():
            mail[name] = value
        mail.set_content(self.plain, cte="quoted-printable")
        mail.add_alternative(self.html, subtype="html", cte="quoted-printable")
        return mail.as_bytes()


@dataclass
class SendFault:
    """What meets a request to send, so many times (None: until cleared).

    `sends_anyway`: the mail leaves, and only the answer is this one; status 0 is no answer at all.
    """

    status: int
    code: str = ""
    retry_after: int | None = None
    sends_anyway: bool = False
    times: int | None = None


@dataclass
class Wishes:
    """How the service behaves from now on."""

    faults: list[SendFault] = field(default_factory=list)
    running: int = 0
    """So many questions about an operation are answered "Running" first."""
    failure: dict[str, str] | None = None
    """The error of the mails that are taken from now on; None: they succeed."""
    deliveries: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By recipient: what its server says, and in which words. Anybody else's takes the mail."""

    def next_fault(self) -> SendFault | None:
        """The fault that meets this request, used up by it."""
        for fault in self.faults:
            if fault.times != 0:
                fault.times = fault.times - 1 if fault.times is not None else None
                return fault
        return None


class MailStore:
    """Mutable, and used from one event loop. Mails outlive a restart; wishes do not."""

    def __init__(self, directory: Path) -> None:
        """Continue with the mails that the folder holds."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self.mails = [SentMail(**json.loads(path.read_text("utf-8"))) for path in sorted(directory.glob("*.json"))]
        self.wishes = Wishes()
        self._asked: dict[str, int] = {}

    def add(self, operation_id: str, content: dict[str, Any]) -> SentMail:
        """The mail leaves, also where this operation has been asked for before."""
        failure = self.wishes.failure
        mail = SentMail(
            number=len(self.mails) + 1,
            operation_id=operation_id,
            sent_at=datetime.now(UTC).isoformat(),
            content=content,
            state="Failed" if failure else "Succeeded",
            error=failure,
        )
        path = self._directory / f"{mail.number:06d}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(mail)), "utf-8")
        self.mails.append(mail)
        return mail

    def operation(self, operation_id: str) -> dict[str, Any] | None:
        """The operation's document; None for one that the service has never heard of."""
        mail = next((mail for mail in self.mails if mail.operation_id == operation_id), None)
        if mail is None:
            return None
        self._asked[operation_id] = self._asked.get(operation_id, 0) + 1
        if self._asked[operation_id] <= self.wishes.running:
            return {"id": operation_id, "status": "Running", "error": None}
        return {"id": operation_id, "status": mail.state, "error": mail.error}
