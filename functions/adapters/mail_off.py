"""The Mailer port of a deployment that sends no mail."""

from __future__ import annotations

from functions.domain.mail import MailMessage, SendState, SendStatus
from migrate_contract.errors import ErrorCode, Fatal


class NoMailer:
    """Refuses every mail, so that it is shown with the reason instead of waiting for ever."""

    def send(self, message: MailMessage, operation_id: str) -> SendStatus:
        """See the port."""
        raise Fatal(ErrorCode.MAIL_NOT_SET_UP, "Neither ONEMIGRATE_MAIL_ENDPOINT nor ONEMIGRATE_SMTP_HOST is set.")

    def status(self, operation_id: str) -> SendStatus:
        """See the port."""
        return SendStatus(SendState.UNKNOWN)
