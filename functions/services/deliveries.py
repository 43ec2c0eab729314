"""Deliveries: events on their way to webhooks, tried until they arrive or are given up, and the log of it.

A delivery is claimed by its etag before each try, so that two instances do not send it at once. After a crash it is
sent again: an event arrives at least once, and its `webhook-id` tells the receiver that it has it already.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from functions.domain import rows
from functions.domain.caller import OperatorCaller
from functions.domain.delivery_rows import Result, as_shown, columns_after, new_columns
from functions.domain.event import Event, EventKind, payload
from functions.domain.event_views import DeliveryView
from functions.domain.ids import need_id
from functions.domain.keys import Continuations
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import (
    Clock,
    Deliverer,
    Row,
    RowChanged,
    RowExists,
    RowMissing,
    Tables,
    Tokens,
    Value,
    WebhookRequest,
)
from functions.domain.views import ListQuery, Page
from functions.domain.webhook import DeliveryState, Webhook, signed_headers, wait_seconds
from functions.services.audit import Audit
from functions.services.webhooks import Webhooks
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

TABLE = "deliveries"
_PAGE = 1000
_AT_ONCE = 8
"""Webhooks that are posted to at the same time; those of one webhook go one after the other."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DeliveryRun:
    """What one run did, in deliveries."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    withdrawn: int = 0

    def add(self, other: DeliveryRun) -> None:
        """Counts the other one in."""
        self.delivered += other.delivered
        self.failed += other.failed
        self.given_up += other.given_up
        self.withdrawn += other.withdrawn


class Deliveries:
    """The only writer of the table."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        deliverer: Deliverer,
        webhooks: Webhooks,
        audit: Audit,
        continuations: Continuations,
        public_url: str,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._deliverer = deliverer
        self._webhooks = webhooks
        self._audit = audit
        self._continuations = continuations
        self._public_url = public_url

    def enqueue(self, event: Event) -> int:
        """Puts the event on its way to every webhook that wants it. Result: to how many it was not yet on its way."""
        added = 0
        for webhook in self._webhooks.every(event.organization):
            if webhook.wants(event):
                tables = OrganizationTables(self._tables, event.organization)
                columns = new_columns(webhook.webhook_id, event, self._body(event), self._clock())
                try:
                    tables.insert(TABLE, webhook.webhook_id, event.key, columns)
                except RowExists:
                    continue
                added += 1
        return added

    def run(self, budget_seconds: float) -> DeliveryRun:
        """Tries what is due, the oldest first, for about so long. Result: what was done.

        May run on several instances at once and be cut off anywhere. What fails is tried again later.
        """
        ends_at = self._clock() + timedelta(seconds=budget_seconds)
        due = sorted(self._due(), key=lambda row: (row.pk, row.rk), reverse=True)
        groups = [tuple(found) for _, found in groupby(due, key=lambda row: row.pk)]
        run = DeliveryRun()
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="webhook") as pool:
            for done in pool.map(lambda found: self._one_after_the_other(found, ends_at), groups):
                run.add(done)
        return run

    def test(self, caller: OperatorCaller, webhook_id: str) -> DeliveryView:
        """Sends a test at once, one try. Result: what became of it.

        Raises Fatal(not-found), Fatal(role-insufficient).
        """
        webhook = self._webhooks.need_changeable(caller, webhook_id)
        now = self._clock()
        event = Event(
            organization=webhook.organization,
            client_id=webhook.client_id,
            project_id=webhook.project_id,
            kind=EventKind.TEST,
            subject=webhook_id,
            occurrence=self._tokens.identifier(12),
            at=now,
            summary=f"{caller.label} sent this test.",
        )
        body = self._body(event)
        columns = {**new_columns(webhook_id, event, body, now), "open": False, "tries": 1}
        columns.update(columns_after(self._posted(webhook, event.event_id, body), wait=None))
        tables = OrganizationTables(self._tables, webhook.organization)
        tables.insert(TABLE, webhook_id, event.key, columns)
        self._audit.record(caller.organization, caller.label, "webhook.test", webhook_id, client_id=webhook.client_id)
        return as_shown(columns)

    def again(self, caller: OperatorCaller, webhook_id: str, event_id: str) -> DeliveryView:
        """Begins anew with a delivery, whatever became of it. Result: the delivery, waiting.

        Raises Fatal(not-found), Fatal(role-insufficient), Retryable(changed-meanwhile).
        """
        webhook = self._webhooks.need_changeable(caller, webhook_id)
        tables = OrganizationTables(self._tables, webhook.organization)
        where = {"event_id": need_id("event", event_id)}
        found = tables.page(TABLE, webhook_id, where=where, limit=1).rows
        if not found:
            raise Fatal(ErrorCode.NOT_FOUND, "No such delivery")
        columns: dict[str, Value] = {
            "open": True,
            "state": DeliveryState.WAITING.value,
            "tries": 0,
            "due_at": self._clock(),
        }
        try:
            tables.merge(TABLE, webhook_id, found[0].rk, columns, found[0].etag)
        except (RowChanged, RowMissing) as changed:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The delivery is being tried just now.") from changed
        self._audit.record(
            caller.organization, caller.label, "webhook.again", webhook_id, client_id=webhook.client_id, detail=event_id
        )
        return as_shown({**found[0].values, **columns})

    def list(self, caller: OperatorCaller, webhook_id: str, query: ListQuery) -> Page[DeliveryView]:
        """Result: the webhook's deliveries, the newest event first. Raises Fatal(not-found)."""
        webhook = self._webhooks.need(caller, webhook_id)
        scope = f"deliveries|{caller.organization}|{webhook_id}"
        page = OrganizationTables(self._tables, webhook.organization).page(
            TABLE,
            webhook_id,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[as_shown(row.values) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def _body(self, event: Event) -> bytes:
        return json.dumps(payload(event, self._public_url), ensure_ascii=False, separators=(",", ":")).encode()

    def _due(self) -> Iterable[Row]:
        """Result: the open deliveries whose time has come and that nobody is at."""
        continuation: str | None = None
        while True:
            now = self._clock()
            page = self._tables.page(TABLE, where={"open": True}, limit=_PAGE, continuation=continuation)
            for row in page.rows:
                claimed_until = rows.moment(row, "claimed_until")
                if rows.need_moment(row, "due_at") <= now and (claimed_until is None or claimed_until <= now):
                    yield row
            continuation = page.continuation
            if continuation is None:
                return

    def _one_after_the_other(self, found: Sequence[Row], ends_at: datetime) -> DeliveryRun:
        """Tries the deliveries of one webhook until one fails: a receiver that is down costs one try a run."""
        run = DeliveryRun()
        for row in found:
            if self._clock() >= ends_at or run.failed or run.given_up:
                break
            try:
                self._try(row, run)
            except Exception as fault:  # noqa: BLE001 - one webhook must not keep the others from theirs
                _log.error("webhook.part_failed", webhook=row.pk, exc_info=fault)
                break
        return run

    def _try(self, row: Row, run: DeliveryRun) -> None:
        """Claims the delivery, posts it, and writes what became of it."""
        organization, webhook_id = rows.text(row, "organization"), rows.text(row, "webhook_id")
        tables = OrganizationTables(self._tables, organization)
        webhook = self._webhooks.find(organization, webhook_id)
        try:
            if webhook is None or not webhook.enabled:
                withdrawn: dict[str, Value] = {"open": False, "state": DeliveryState.WITHDRAWN.value}
                tables.merge(TABLE, webhook_id, row.rk, withdrawn, row.etag)
                run.withdrawn += 1
                return
            tries = rows.number(row, "tries") + 1
            claimed_until = self._clock() + timedelta(seconds=self._limits.webhook_claim_seconds)
            claim: dict[str, Value] = {"claimed_until": claimed_until, "tries": tries}
            etag = tables.merge(TABLE, webhook_id, row.rk, claim, row.etag)
            result = self._posted(webhook, rows.text(row, "event_id"), rows.joined_text(row, "body").encode())
            wait = None if result.delivered else wait_seconds(tries, self._tokens.fraction())
            # The claim ends with what became of the try.
            columns = {**columns_after(result, wait=wait), "claimed_until": self._clock()}
            tables.merge(TABLE, webhook_id, row.rk, columns, etag)
        except (RowChanged, RowMissing):
            return  # Another instance has it, or it was deleted.
        self._count(run, webhook, row, result, wait)

    def _posted(self, webhook: Webhook, event_id: str, body: bytes) -> Result:
        """Result: what became of one try."""
        key = self._webhooks.key(webhook.organization, webhook.webhook_id)
        at = self._clock()
        if key is None:
            return Result(at, at, None, ErrorCode.NOT_FOUND, "The webhook was deleted just now.")
        headers = {"Content-Type": "application/json", **signed_headers(key, event_id, at, body)}
        try:
            answer = self._deliverer.deliver(WebhookRequest(webhook.url, headers, body))
        except MigrateError as fault:
            return Result(at, self._clock(), None, fault.code, fault.detail)
        if 200 <= answer.status < 300:
            return Result(at, self._clock(), answer.status)
        said = f"It answered with status {answer.status}."
        return Result(at, self._clock(), answer.status, ErrorCode.WEBHOOK_NOT_ACCEPTED, said)

    def _count(self, run: DeliveryRun, webhook: Webhook, row: Row, result: Result, wait: float | None) -> None:
        if result.delivered:
            run.delivered += 1
            return
        if wait is None:
            run.given_up += 1
        else:
            run.failed += 1
        _log.warning(
            "webhook.not_delivered",
            organization=webhook.organization,
            webhook_id=webhook.webhook_id,
            event_id=rows.text(row, "event_id"),
            code=result.code.value if result.code else "",
            detail=result.detail,
            given_up=wait is None,
        )
