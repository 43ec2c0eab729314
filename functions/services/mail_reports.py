"""Delivery reports: what recipients' mail servers said, from the mail service's events on the queue `mail-events`.

Events come at least once and in no order. Each mail has one row for them, which keeps the newest final report.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from functions.domain import rows
from functions.domain.mail_rows import DELIVERY, MAILS, OPERATIONS, OPERATIONS_ROW, Copy
from functions.domain.mail_views import UNDELIVERED, Delivery
from functions.domain.ports import Clock, Row, RowChanged, RowExists, RowMissing, Tables, Value
from functions.services.mail_alerts import MailAlerts
from migrate_contract.wire import WireModel

EVENT_TYPE = "Microsoft.Communication.EmailDeliveryReportReceived"
_MEANING = {
    "delivered": Delivery.DELIVERED,
    "bounced": Delivery.BOUNCED,
    "suppressed": Delivery.SUPPRESSED,
    "quarantined": Delivery.QUARANTINED,
    "filteredspam": Delivery.FILTERED,
    "failed": Delivery.UNDELIVERED,
}
"""The service's words that end a mail's way; others (Expanded, OutForDelivery) say that it goes on."""
_TRIES = 5
_DETAIL = 1000
_log = structlog.get_logger(__name__)


class _Details(WireModel):
    statusMessage: str | None = None  # noqa: N815 - the service's spelling


class _Report(WireModel):
    """The data of one event; https://learn.microsoft.com/azure/event-grid/communication-services-email-events."""

    messageId: str  # noqa: N815
    """The operation id of the mail."""
    status: str
    recipient: str = ""
    deliveryStatusDetails: _Details | None = None  # noqa: N815
    deliveryAttemptTimeStamp: str | None = None  # noqa: N815
    deliveryAttemptTimestamp: str | None = None  # noqa: N815

    @property
    def said(self) -> str:
        """Result: the recipient's server in its own words."""
        return (self.deliveryStatusDetails.statusMessage or "") if self.deliveryStatusDetails else ""

    def at(self, now: datetime) -> datetime:
        """Result: when it happened; now where the event does not say."""
        try:
            stated = datetime.fromisoformat(self.deliveryAttemptTimeStamp or self.deliveryAttemptTimestamp or "")
        except ValueError:
            return now
        return stated.astimezone(UTC) if stated.tzinfo else stated.replace(tzinfo=UTC)


_EVENTS = TypeAdapter(list[dict[str, Any]] | dict[str, Any])


class MailReports:
    """Handles messages of the queue `mail-events`; the only writer of delivery rows."""

    def __init__(self, tables: Tables, clock: Clock, alerts: MailAlerts) -> None:
        self._tables = tables
        self._clock = clock
        self._alerts = alerts

    def handle(self, message: str) -> None:
        """Takes one message: an event or a list of them. What is no delivery report of ours is logged and left."""
        try:
            events = _EVENTS.validate_json(message)
        except ValidationError:
            _log.warning("mail.event_unreadable", characters=len(message))
            return
        for event in events if isinstance(events, list) else [events]:
            if event.get("eventType", event.get("type")) == EVENT_TYPE:
                self._take(event.get("data"))

    def _take(self, data: object) -> None:
        try:
            report = _Report.model_validate(data)
        except ValidationError:
            _log.warning("mail.report_unreadable")
            return
        delivery = _MEANING.get(report.status.lower())
        copy = self._copy(report.messageId)
        if delivery is None or copy is None:
            _log.info("mail.report_passed_over", operation_id=report.messageId, status=report.status)
            return
        if self._write(copy, report, delivery):
            self._tell(copy, report, delivery)

    def _copy(self, operation_id: str) -> Copy | None:
        """Result: the mail that the service means; None for one that is not ours, or gone."""
        if not operation_id or len(operation_id) > 64 or not operation_id.replace("-", "").isalnum():
            return None
        found = self._tables.get(OPERATIONS, operation_id, OPERATIONS_ROW)
        row = self._tables.get(MAILS, rows.text(found, "copy_pk"), rows.text(found, "copy_rk")) if found else None
        return Copy.of(row) if row else None

    def _write(self, copy: Copy, report: _Report, delivery: Delivery) -> bool:
        """Result: False where a newer report, or this one, is there already."""
        at = report.at(self._clock())
        columns: dict[str, Value] = {"delivery": delivery.value, "detail": report.said[:_DETAIL], "at": at}
        rk = DELIVERY + copy.operation_id
        for _ in range(_TRIES):
            row = self._tables.get(MAILS, copy.row.pk, rk)
            if row is not None and not _is_news(row, delivery, at):
                return False
            try:
                if row is None:
                    self._tables.insert(MAILS, copy.row.pk, rk, columns)
                else:
                    self._tables.merge(MAILS, copy.row.pk, rk, columns, row.etag)
            except (RowExists, RowChanged, RowMissing):
                continue
            return True
        return False

    def _tell(self, copy: Copy, report: _Report, delivery: Delivery) -> None:
        """Opens or closes the alert of this recipient."""
        if delivery is Delivery.DELIVERED:
            self._alerts.delivered(copy)
            return
        said = f" ({report.said[:300]})" if report.said else ""
        self._alerts.undelivered(copy, delivery.value + said)


def _is_news(row: Row, delivery: Delivery, at: datetime) -> bool:
    known = rows.need_moment(row, "at")
    return at > known or (at == known and rows.text(row, "delivery") != delivery.value and delivery in UNDELIVERED)
