"""How fast the attempt moves, and what it waits for in words: what a snapshot is made of."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from migrate_agent.store.entries import Counters
from migrate_agent.transfer.connectivity import Outage
from migrate_agent.transfer.meter import Meter
from migrate_contract.jobs import JobPhase, Tally, Waiting, WaitReason
from migrate_contract.schedule import LimitInForce, LimitOwner, in_words

_WINDOW_SECONDS = 30.0
FILE_COST_BYTES = 64 * 1024
"""What a file costs beside its bytes, as bytes: a request of its own. So a thousand empty files are some work, too."""
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


@dataclass(frozen=True, slots=True)
class CopiedShare:
    """How much of what has to be sent is sent. What was skipped is in neither: it cost no sending."""

    sent_bytes: int
    to_send_bytes: int
    """Sent, and what is pending: some of that may prove unchanged, and then leaves this number without a jump up."""
    sent_files: int
    to_send_files: int
    skipped_files: int
    skipped_bytes: int
    scan_complete: bool

    @property
    def fraction(self) -> float | None:
        """Result: 0 to 1, and 1 only when nothing is pending; None before the scan is complete.

        A fraction of what was found so far would say 90 % and then 30 %.
        """
        if not self.scan_complete:
            return None
        whole = self.to_send_bytes + FILE_COST_BYTES * self.to_send_files
        return (self.sent_bytes + FILE_COST_BYTES * self.sent_files) / whole if whole else 1.0


def copied_share(files: Tally, sizes: Tally, staged_bytes: int, *, scan_complete: bool) -> CopiedShare:
    """Result: the share by bytes and files. A failed file counts as sent: the time for it is spent.

    `staged_bytes`: of pending files, at the service already: so that one large file moves the bar while it is sent.
    """
    staged = max(min(staged_bytes, sizes.pending), 0)
    sent_bytes, sent_files = sizes.transferred + sizes.failed, files.transferred + files.failed
    return CopiedShare(
        sent_bytes=sent_bytes + staged,
        to_send_bytes=sent_bytes + sizes.pending,
        sent_files=sent_files,
        to_send_files=sent_files + files.pending,
        skipped_files=_skipped(files),
        skipped_bytes=_skipped(sizes),
        scan_complete=scan_complete,
    )


def _skipped(tally: Tally) -> int:
    return tally.unchanged + tally.excluded + tally.unsupported


class AverageSpeed:
    """Payload per second since the first upload, however long the scan before it took."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._ended: float | None = None
        self._sent_bytes = 0

    def sample(self, now: float, sent_bytes: int) -> None:
        """`now`: monotonic seconds; `sent_bytes`: so far. Called at steady intervals while the copy runs."""
        if not sent_bytes or self._began is None:
            # The last sample without payload: the first bytes left after it.
            self._began = self._ended if sent_bytes and self._ended is not None else now
        self._ended, self._sent_bytes = now, sent_bytes

    def bytes_per_second(self) -> float:
        """Result: the average up to the last sample; 0 before a second of sending has passed."""
        if self._began is None or self._ended is None or self._ended - self._began < 1.0:
            return 0.0
        return self._sent_bytes / (self._ended - self._began)


@dataclass(frozen=True, slots=True)
class _Step:
    """What was settled between two samples."""

    seconds: float
    sent_files: int
    sent_bytes: int
    skipped_files: int
    skipped_bytes: int

    @property
    def only_skips(self) -> bool:
        return self.skipped_files > 0 and not self.sent_files


class Rates:
    """How fast files are sent, apart from how fast others are skipped: an honest basis for the time left.

    Skipping is a hundred times faster than sending. Taken together, a run of unchanged files would promise that all is
    done in a minute, and the first changed one would make it hours. So the time left is what is pending, times the
    part of it that has to be sent as it seems, at the pace of sending. That part is the mean over steps of time, not
    over files: a burst of skipped files says little of what comes after it. Steps that only skip are not counted at
    all, and where nothing has been sent yet, nothing is promised for half a minute.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: tuple[float, Counters] | None = None
        self._stepped = self._has_sent = False
        self._sending: deque[_Step] = deque()
        self._skipping: deque[_Step] = deque()

    def sample(self, counters: Counters) -> None:
        """Called at steady intervals."""
        now = self._monotonic()
        with self._lock:
            if self._last is None:
                self._last = (now, counters)
                return
            at, before = self._last
            if now - at < 1.0:
                return
            self._last = (now, counters)
            self._stepped = True
            step = _step(now - at, before, counters)
            self._has_sent = self._has_sent or step.sent_files > 0
            if step.only_skips:
                _add(self._skipping, step)
            elif self._has_sent:
                # Also where nothing moved: a line that stands still makes the rest later.
                _add(self._sending, step)

    def eta_seconds(self, counters: Counters, staged_bytes: int, speed: float) -> float | None:
        """Result: seconds until nothing is pending: the later of what files and what bytes say; None if unknown."""
        if not counters.files.pending:
            return 0.0
        with self._lock:
            if not self._stepped:
                return None
            sending = list(self._sending)
            if speed <= 0 and not any(step.sent_files for step in sending):
                return None if self._has_sent else _by_skips(self._skipping, counters.files.pending)
        seconds = max(sum(step.seconds for step in sending), 1e-3)
        bytes_rate = max(sum(step.sent_bytes for step in sending) / seconds, speed)
        files_rate = sum(step.sent_files for step in sending) / seconds
        left = max(counters.bytes.pending - staged_bytes, 0)
        estimates = []
        if left and bytes_rate > 0:
            estimates.append(left * _part_to_send(sending, in_bytes=True) / bytes_rate)
        if files_rate > 0:
            estimates.append(counters.files.pending * _part_to_send(sending, in_bytes=False) / files_rate)
        return max(estimates) if estimates else None


def _add(steps: deque[_Step], step: _Step) -> None:
    """Keeps the newest half minute."""
    steps.append(step)
    while len(steps) > 1 and sum(kept.seconds for kept in steps) - steps[0].seconds >= _WINDOW_SECONDS:
        steps.popleft()


def _step(seconds: float, before: Counters, after: Counters) -> _Step:
    """Files that the scan itself leaves out were never pending: while it runs, only unchanged ones count as skipped."""
    scanning = after.files.scanned != before.files.scanned

    def skipped(tally: Tally) -> int:
        return tally.unchanged if scanning else _skipped(tally)

    def sent(tally: Tally) -> int:
        return tally.transferred + tally.failed

    return _Step(
        seconds,
        # A failed read-back takes a transferred file back: a step never counts backwards.
        max(sent(after.files) - sent(before.files), 0),
        max(sent(after.bytes) - sent(before.bytes), 0),
        max(skipped(after.files) - skipped(before.files), 0),
        max(skipped(after.bytes) - skipped(before.bytes), 0),
    )


def _part_to_send(steps: list[_Step], *, in_bytes: bool) -> float:
    """Result: the part of what is pending that has to be sent, as it seems; 1 where nothing tells."""
    parts, seconds = 0.0, 0.0
    for step in steps:
        sent, skipped = (step.sent_bytes, step.skipped_bytes) if in_bytes else (step.sent_files, step.skipped_files)
        if sent > 0:
            parts += step.seconds * sent / (sent + skipped)
            seconds += step.seconds
    return parts / seconds if seconds else 1.0


def _by_skips(steps: Iterable[_Step], pending_files: int) -> float | None:
    """Result: the time left if everything is as unchanged as all that was seen; None before half a minute of that."""
    seconds, files = 0.0, 0
    for step in steps:
        seconds, files = seconds + step.seconds, files + step.skipped_files
    return pending_files * seconds / files if seconds >= _WINDOW_SECONDS and files else None


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

    def now(self, phase: JobPhase, disk_full: str | None, *, service_busy: bool = False) -> Waiting:
        """Result: the reason that outweighs the others. `disk_full`: the journal cannot be written.

        `service_busy`: it has said so often of late. That outlasts the pauses, which come and go between two reports.
        """
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
            reason = WaitReason.SERVICE_BUSY if service_busy else self._meter.most()
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
