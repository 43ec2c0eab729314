"""Announcements: hands each event to the outbox of mail and to the webhooks, once, from the sweep.

An event stays open until both have taken it. Both know an event that they have already, so a crash in between, or
another instance at the same time, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from functions.domain.event import event_of
from functions.domain.letters import letter
from functions.domain.mail import MailDraft
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables
from functions.services.deliveries import Deliveries
from functions.services.events import TABLE
from functions.services.guarded import Guarded

_PAGE = 1000
type PostMail = Callable[[str, MailDraft], None]
"""(organization, draft): the outbox's `post`."""


class Announcements:
    """Writes `open` and `announced_at` of an event's row."""

    def __init__(self, tables: Tables, clock: Clock, post_mail: PostMail, deliveries: Deliveries) -> None:
        self._tables = tables
        self._clock = clock
        self._post_mail = post_mail
        self._deliveries = deliveries

    def run(self, guarded: Guarded) -> int:
        """Result: how many events were announced; what fails for one is kept in `guarded`."""
        announced = 0
        continuation: str | None = None
        while True:
            page = self._tables.page(TABLE, where={"open": True}, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                with guarded.part(f"event {row.rk}"):
                    self._announce(row)
                    announced += 1
            continuation = page.continuation
            if continuation is None:
                return announced

    def _announce(self, row: Row) -> None:
        event = event_of(row)
        self._deliveries.enqueue(event)
        draft = letter(event)
        if draft is not None:
            self._post_mail(event.organization, draft)
        try:
            self._tables.merge(TABLE, row.pk, row.rk, {"open": False, "announced_at": self._clock()}, row.etag)
        except (RowChanged, RowMissing):
            return  # Another instance has said so.
