"""Timer triggers: one listener per timer, with the last run kept on disk so that a missed run is made up.

As in the platform, schedules shorter than a minute keep no status (they cannot be past due), a failed run
never stops the schedule, and runs of one timer never overlap.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.functions_host import worker
from local.functions_host.schedule import Schedule

SHORTEST_MONITORED_SECONDS = 60.0
_NEVER = datetime(1, 1, 1, tzinfo=UTC)

type Invoke = Callable[[Any], Awaitable[None]]
"""Runs the timer's function with a trigger input; raises InvocationFailed."""

logger = logging.getLogger("host.timers")


@dataclass(frozen=True)
class Status:
    """When a timer last ran, when it is due next, and when that was written."""

    last_at: datetime
    next_at: datetime
    updated_at: datetime


class StatusFile:
    """One timer's status on disk, replaced as a whole so that a crash never leaves half of it."""

    def __init__(self, path: Path) -> None:
        """Use this path; the folder is made when first written."""
        self._path = path

    def load(self) -> Status | None:
        """The recorded status, or None if there is none or it cannot be read."""
        try:
            record = json.loads(self._path.read_text("utf-8"))
            return Status(*(datetime.fromisoformat(record[key]) for key in ("Last", "Next", "LastUpdated")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            logger.warning("timer status %s cannot be read and starts anew", self._path)
            return None

    def save(self, status: Status) -> None:
        """Record the status."""
        record = {
            "Last": status.last_at.isoformat(),
            "Next": status.next_at.isoformat(),
            "LastUpdated": status.updated_at.isoformat(),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(record), "utf-8")
        fresh.replace(self._path)


def trigger_input(*, past_due: bool, status: Status | None) -> Any:
    """The datum that a timer's function receives."""
    last, following, updated = (
        (status.last_at, status.next_at, status.updated_at) if status else (_NEVER, _NEVER, _NEVER)
    )
    return worker.json_text(
        json.dumps(
            {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": {
                    "Last": last.isoformat(),
                    "Next": following.isoformat(),
                    "LastUpdated": updated.isoformat(),
                },
                "IsPastDue": past_due,
            }
        )
    )


@dataclass
class TimerListener:
    """Runs one timer until `stopping` is set."""

    name: str
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool
    status_file: StatusFile
    invoke: Invoke
    stopping: asyncio.Event
    now: Callable[[], datetime]

    async def run(self) -> None:
        """Fire at every due time; returns after `stopping`, with the current run finished."""
        past_due = self._missed_a_run()
        if past_due or self.run_on_startup:
            await self._fire(past_due=past_due)
        due = self.schedule.after(self.now())
        while not await self._stopped_before(due):
            await self._fire(past_due=False)
            due = self.schedule.after(max(due, self.now()))

    @property
    def _monitored(self) -> bool:
        first = self.schedule.after(self.now())
        distance = (self.schedule.after(first) - first).total_seconds()
        return self.use_monitor and distance >= SHORTEST_MONITORED_SECONDS

    def _missed_a_run(self) -> bool:
        """Whether a due time passed while no host was running; records the first expectation."""
        if not self._monitored:
            return False
        now = self.now()
        status = self.status_file.load()
        if status is None:
            self.status_file.save(Status(_NEVER, self.schedule.after(now), now))
            return False
        # Computed again rather than read: the schedule may have changed since it was written.
        expected = self.schedule.after(status.last_at if status.last_at > _NEVER else status.updated_at)
        return now > expected

    async def _stopped_before(self, due: datetime) -> bool:
        """Wait for the due time by the wall clock; True if the host stops first."""
        while (remaining := (due - self.now()).total_seconds()) > 0:
            try:
                # A minute at most, so that a clock that is set is noticed.
                await asyncio.wait_for(self.stopping.wait(), min(remaining, 60.0))
            except TimeoutError:
                continue
            return True
        return self.stopping.is_set()

    async def _fire(self, *, past_due: bool) -> None:
        started_at = self.now()
        status = self.status_file.load() if self._monitored else None
        try:
            await self.invoke(trigger_input(past_due=past_due, status=status))
        except worker.InvocationFailed as fault:
            logger.error("timer %s failed and runs again when it is due\n%s", self.name, fault)
        if self._monitored:
            self.status_file.save(Status(started_at, self.schedule.after(started_at), self.now()))
