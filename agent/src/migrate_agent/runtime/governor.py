"""The governor: each second, and at each change, sees to it that every engine obeys the lowest limit that holds now.

A job's limits are its own, its project's schedule and this agent's share of the site limit, as the control plane told
them last; until it has told any, the limit in the job's spec. Jobs that send at the same time share them equally.
Only payload is limited: heartbeats, reports and listings are not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from migrate_agent.logs import log_fault
from migrate_agent.runtime.engine_port import Engine
from migrate_agent.runtime.status import Status
from migrate_agent.store.journal import JobRecord
from migrate_agent.store.limits_file import LimitsFile
from migrate_contract.errors import Fatal, MigrateError
from migrate_contract.schedule import (
    JobLimits,
    LimitInForce,
    LimitOwner,
    LimitSet,
    in_words,
    lowest,
    strictest,
)

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0

Working = Sequence[tuple[JobRecord, Engine]]


class Governor:
    """One thread (`run`) looks each second; `take` and `enforce` may be called from any thread."""

    def __init__(
        self,
        kept: LimitsFile,
        status: Status,
        *,
        working: Callable[[], Working],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`working`: the jobs whose engines run now. Raises Fatal(config-invalid) where the kept file is not ours."""
        self._kept, self._status, self._working, self._clock = kept, status, working, clock
        self._limits = kept.read()
        self._lock = threading.Lock()
        self._obeyed: list[tuple[Engine, LimitInForce | None]] = []
        self._unknown_zones: set[str] = set()
        self._wake = threading.Event()
        self._ended = False

    @property
    def version(self) -> str:
        """Result: of the limits that are obeyed, for the heartbeat."""
        return self._limits.version

    def take(self, limits: LimitSet) -> None:
        """The control plane says what holds from now on. Obeyed at once, and after a restart."""
        self._limits = limits
        try:
            self._kept.write(limits)
        except MigrateError as error:
            log_fault(log, "the bandwidth limits could not be kept; they hold until this process ends", error)
            self._status.fault(error)
        self.enforce()

    def run(self) -> None:
        """Enforces until `end`. A fault of ours leaves the engines the limits that they have, and is tried again."""
        while not self._ended:
            try:
                self.enforce()
            except Exception:
                log.exception("the limits in force could not be worked out")
            self._wake.wait(_LOOK_SECONDS)

    def end(self) -> None:
        """`run` returns. The engines keep the limits that they have."""
        self._ended = True
        self._wake.set()

    def enforce(self) -> None:
        """Result: each engine at work has been given the limit that holds now, if it is another than it has."""
        with self._lock:
            working, now = self._working(), self._clock()
            obeyed: list[tuple[Engine, LimitInForce | None]] = []
            for record, engine in working:
                had = [before for known, before in self._obeyed if known is engine]
                limit = self._limit(record, len(working), now)
                if had != [limit]:
                    engine.set_limit(limit)
                    self._tell(record, limit, now, news=had != [] or limit is not None)
                obeyed.append((engine, limit))
            self._obeyed = obeyed

    def _limit(self, record: JobRecord, sharers: int, now: datetime) -> LimitInForce | None:
        """Result: the lowest limit of the job now; where its schedule's zone is unknown, the strictest of that."""
        told = next((found for found in self._limits.jobs if found.job_id == record.job_id), None)
        own = told or JobLimits(job_id=record.job_id, limit_mbps=record.spec.transfer.bandwidth_limit_mbps)
        try:
            return lowest(own.limit_mbps, own.schedule, own.site_share_mbps, now, sharers=sharers)
        except Fatal as error:
            assert own.schedule is not None
            self._tell_zone(own.schedule.zone, error, record)
            rest = lowest(own.limit_mbps, None, own.site_share_mbps, now, sharers=sharers)
            mbps = strictest(own.schedule)
            if mbps is None or (rest is not None and rest.mbps <= mbps / sharers):
                return rest
            return LimitInForce(mbps=mbps / sharers, owner=LimitOwner.SCHEDULE)

    def _tell(self, record: JobRecord, limit: LimitInForce | None, now: datetime, *, news: bool) -> None:
        if news:
            words = in_words(limit.mbps, limit.until, limit.zone, now) if limit else in_words(None, None, None, now)
            owner = f" by its {limit.owner.value}" if limit else ""
            log.info("job %s may send: %s%s", record.spec.name, words, owner, extra={"job_id": record.job_id})

    def _tell_zone(self, zone: str, error: Fatal, record: JobRecord) -> None:
        if zone not in self._unknown_zones:
            self._unknown_zones.add(zone)
            log_fault(log, "the lowest limit of the schedule holds", error)
            self._status.fault(error, record.job_id)
