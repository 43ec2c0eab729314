"""How fast the attempt moves, and what it waits for in words: what a snapshot is made of."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime

from migrate_agent.store.entries import Counters
from migrate_agent.transfer.connectivity import Outage
from migrate_agent.transfer.meter import Meter
from migrate_contract.jobs import JobPhase, Waiting, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner, in_words

_WINDOW_SECONDS = 30.0
_SENTENCES = {
    WaitReason.DISK: "reading the source",
    WaitReason.NETWORK: "sending to the destination",
    WaitReason.SERVICE_BUSY: "the storage service is busy; requests are sent again after a pause",
    WaitReason.THROTTLE: "the bandwidth limit",
    WaitReason.COMMIT: "the service to confirm what was sent",
    WaitReason.GRANT: "access to the destination (a new grant from the control plane)",
    WaitReason.NO_CONNECTION: "a connection to the destination",
    WaitReason.APPROVAL: "an operator to approve the job after its scan",
}
_OWNERS = {
    LimitOwner.JOB: "the job's bandwidth limit",
    LimitOwner.SCHEDULE: "the project's bandwidth schedule",
    LimitOwner.SITE: "this agent's share of the site's bandwidth limit",
}


class Rates:
    """Files and bytes settled over the last half minute, skipped ones included: an honest basis for the time left."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int, int]] = deque()

    def sample(self, counters: Counters) -> None:
        """Called at steady intervals."""
        now = self._monotonic()
        files = counters.files.scanned - counters.files.pending
        size = counters.bytes.scanned - counters.bytes.pending
        with self._lock:
            if self._samples and now - self._samples[-1][0] < 1.0:
                return
            self._samples.append((now, files, size))
            while len(self._samples) > 2 and self._samples[0][0] < now - _WINDOW_SECONDS:
                self._samples.popleft()

    def eta_seconds(self, counters: Counters, staged_bytes: int, speed: float) -> float | None:
        """Result: seconds until nothing is pending: the later of what files and what bytes say; None if unknown."""
        if not counters.files.pending:
            return 0.0
        with self._lock:
            if len(self._samples) < 2:
                return None
            (began, files_then, bytes_then), (ended, files_now, bytes_now) = self._samples[0], self._samples[-1]
        elapsed = max(ended - began, 1e-3)
        bytes_rate = max((bytes_now - bytes_then) / elapsed, speed)
        files_rate = (files_now - files_then) / elapsed
        left = max(counters.bytes.pending - staged_bytes, 0)
        estimates = []
        if left and bytes_rate > 0:
            estimates.append(left / bytes_rate)
        if files_rate > 0:
            estimates.append(counters.files.pending / files_rate)
        return max(estimates) if estimates else None


class WaitTeller:
    """Says what the job waits for, and since when."""

    def __init__(self, meter: Meter, outage: Callable[[], Outage | None], *, clock: Callable[[], datetime]) -> None:
        """`outage`: the connection that is lost now, if one is."""
        self._meter, self._outage, self._clock = meter, outage, clock
        self._lock = threading.Lock()
        self._last = (WaitReason.NONE, "")
        self._since: datetime | None = None
        self.limit: LimitInForce | None = None
        """In force now, for the sentence."""

    def now(self, phase: JobPhase, disk_full: str | None) -> Waiting:
        """Result: the reason that outweighs the others. `disk_full`: the journal cannot be written."""
        outage = self._outage()
        if phase not in (JobPhase.SCANNING, JobPhase.READY, JobPhase.RUNNING):
            return Waiting()
        if phase is JobPhase.READY:
            found = (WaitReason.APPROVAL, _SENTENCES[WaitReason.APPROVAL])
        elif outage is not None:
            return Waiting(reason=WaitReason.NO_CONNECTION, detail=outage.sentence, since=outage.since)
        elif disk_full is not None:
            found = (WaitReason.DISK, disk_full)
        elif self.limit is not None and self.limit.mbps == 0:
            found = (WaitReason.THROTTLE, self._limit_sentence(self.limit))
        else:
            reason = self._meter.most()
            found = (reason, _SENTENCES.get(reason, ""))
            if reason is WaitReason.THROTTLE and self.limit is not None:
                found = (reason, self._limit_sentence(self.limit))
        with self._lock:
            if found != self._last:
                self._last, self._since = found, self._clock()
            since = self._since
        if found[0] is WaitReason.NONE:
            return Waiting()
        return Waiting(reason=found[0], detail=found[1], since=since)

    def _limit_sentence(self, limit: LimitInForce) -> str:
        """Result: "the job's limit: 20 Mbps", "the project's schedule: paused until Mon 06:00 (Europe/Berlin)"."""
        return f"{_OWNERS[limit.owner]}: {in_words(limit.mbps, limit.until, limit.zone, self._clock())}"
