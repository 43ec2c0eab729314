"""A delivery as columns, and as it is shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.event import Event, EventKind
from functions.domain.event_views import DeliveryView
from functions.domain.ports import Row, Value
from functions.domain.webhook import DeliveryState
from migrate_contract.errors import CATALOGUE, ErrorCode


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try; `code` None: the receiver took it."""

    began_at: datetime
    ended_at: datetime
    status: int | None
    code: ErrorCode | None = None
    detail: str = ""

    @property
    def delivered(self) -> bool:
        """Result: whether it arrived."""
        return self.code is None


def new_columns(webhook_id: str, event: Event, body: bytes, now: datetime) -> dict[str, Value]:
    """Result: the row of a delivery that was not tried. The body is kept, so that every try sends the same bytes."""
    return {
        "organization": event.organization,
        "webhook_id": webhook_id,
        "event_id": event.event_id,
        "kind": event.kind.value,
        "project_id": event.project_id,
        **rows.long_text("body", body.decode()),
        "open": True,
        "state": DeliveryState.WAITING.value,
        "tries": 0,
        "created_at": now,
        "due_at": now,
    }


def columns_after(result: Result, *, wait: float | None) -> dict[str, Value]:
    """Result: the columns after a try; `wait`: the seconds to the next one, None where there is none."""
    columns: dict[str, Value] = {
        "last_at": result.began_at,
        "last_seconds": (result.ended_at - result.began_at).total_seconds(),
        "last_status": result.status or 0,
        "last_code": result.code.value if result.code else "",
        "last_detail": result.detail[:2000],
    }
    if result.delivered:
        return {**columns, "open": False, "state": DeliveryState.DELIVERED.value}
    if wait is None:
        return {**columns, "open": False, "state": DeliveryState.GIVEN_UP.value}
    return {
        **columns,
        "open": True,
        "state": DeliveryState.WAITING.value,
        "due_at": result.ended_at + timedelta(seconds=wait),
    }


def as_shown(columns: Mapping[str, Value]) -> DeliveryView:
    """Result: the delivery as the log shows it."""
    row = Row("", "", columns, "")
    state, code = DeliveryState(rows.text(row, "state")), rows.text_or_none(row, "last_code")
    return DeliveryView(
        event_id=rows.text(row, "event_id"),
        kind=EventKind(rows.text(row, "kind")),
        project_id=rows.text_or_none(row, "project_id"),
        state=state,
        tries=rows.number(row, "tries"),
        created_at=rows.need_moment(row, "created_at"),
        due_at=rows.moment(row, "due_at") if state is DeliveryState.WAITING else None,
        last_at=rows.moment(row, "last_at"),
        last_status=rows.number(row, "last_status") or None,
        last_seconds=rows.seconds(row, "last_seconds") if rows.moment(row, "last_at") else None,
        code=code,
        detail=rows.text(row, "last_detail"),
        fix=CATALOGUE[ErrorCode(code)].fix if code else None,
    )
