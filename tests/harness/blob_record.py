"""What an endpoint has seen of a copy, and what follows from it: was anything sent twice that was there already?

Each request that is about a blob leaves one event with three moments of one count: it *arrived*, the service *acted*
on it, and the answer was *sent* (0: it never was). At a *break* the copy lost its memory: its process or a part of it
was killed. A client knows that a block is staged

- if it was told so and has not been killed since,
- if it has asked for the blob's uncommitted blocks since,
- and it has to ask after a break: then it knows everything that was over by the break.

A block whose answer was lost may be sent again by a client that goes on: it could not know.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.harness.blob_store import UNCOMMITTED_SECONDS

_ENDLESS = 1 << 62
_CUT_SECONDS = 0.5
"""An answer that was sent so shortly before the network was cut may not have been read."""


@dataclass(slots=True)
class Event:
    """One request about one blob. `digest` is the body's MD5 (put_block, put_blob) in hexadecimal."""

    kind: str
    name: str
    arrived: int
    block_id: str = ""
    size_bytes: int = 0
    digest: str = ""
    status: int = 0
    at: float = 0.0
    """By the endpoint's clock, at which blocks grow old."""
    acted: int = 0
    sent: int = 0
    over: int = 0
    """When its handling ended, answered or not."""
    sent_at: float = 0.0


@dataclass(slots=True)
class Break:
    """What arrives between `since` and `until` may still be of the process that was killed."""

    since: int
    until: int = 0


@dataclass
class BlobRecord:
    """The events of one endpoint, in the order of their arrival. Safe for all threads."""

    clock: Callable[[], float] = time.time
    events: list[Event] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    """Moments at which the service lost all staged blocks."""
    cuts: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    keep: bool = True
    """False: nothing is remembered of a request, so that a test can last for hours."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def tick(self) -> int:
        """Result: the next moment."""
        with self._lock:
            self._count += 1
            return self._count

    def arrived(self, kind: str, name: str, block_id: str) -> Event:
        """Result: the event of a request whose head is read."""
        with self._lock:
            self._count += 1
            event = Event(kind, name, self._count, block_id, at=self.clock())
            if self.keep:
                self.events.append(event)
            return event

    def broke(self, *, still_arriving_seconds: float = 0.0) -> None:
        """The copy, or a part of it, was killed just now; what it had sent may still arrive for so long."""
        broken = Break(self.tick())
        broken.until = broken.since
        if still_arriving_seconds:
            broken.until = _ENDLESS
            timer = threading.Timer(still_arriving_seconds, lambda: setattr(broken, "until", self.tick()))
            timer.daemon = True
            timer.start()
        self.breaks.append(broken)

    def cut(self) -> None:
        """The network is cut just now."""
        self.cuts.append(time.monotonic())

    def answered(self, event: Event) -> bool:
        """Result: whether the client can be taken to have read the answer."""
        return bool(event.sent) and not any(event.sent_at <= cut < event.sent_at + _CUT_SECONDS for cut in self.cuts)

    def sent_twice(self, key: Callable[[Event], str] = lambda event: event.digest) -> list[str]:
        """Result: one sentence for each body that was sent although the client could know that it was there.

        `key` tells contents apart within one blob: the digest, or the block id where all blocks are alike.
        """
        return [said for events in self._by_blob().values() for said in self._twice_in(events, key)]

    def committed_twice(self) -> list[str]:
        """Result: one sentence for each blob that was committed more than once: no commit is ever repeated."""
        commits = Counter(
            event.name for event in self.events if event.kind in ("put_blob", "put_block_list") and event.acted
        )
        return [f"{name} was committed {times} times" for name, times in commits.items() if times > 1]

    def count(self, kind: str) -> int:
        """Result: how many requests of that kind the service acted on."""
        return sum(1 for event in self.events if event.kind == kind and event.acted)

    def bytes_of(self, kind: str) -> int:
        """Result: bytes that arrived in requests of that kind that the service acted on."""
        return sum(event.size_bytes for event in self.events if event.kind == kind and event.acted)

    def _by_blob(self) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for event in list(self.events):
            found.setdefault(event.name, []).append(event)
        return found

    def _twice_in(self, events: list[Event], key: Callable[[Event], str]) -> Iterator[str]:
        there: dict[str, Event] = {}
        last_at = 0.0
        asked: list[Event] = []
        present: Event | None = None
        for event in sorted(events, key=lambda one: one.acted or one.over):
            if event.at - last_at >= UNCOMMITTED_SECONDS:
                there = {}  # all blocks of a blob die together, after the last one was staged
            if self.forgotten:
                there = {at: old for at, old in there.items() if not self._forgotten(old, event)}
            if event.kind == "block_list" and event.acted and event.status == 200:
                asked.append(event)
            elif event.kind == "put_block" and event.digest:
                old = there.get(key(event))
                if old is not None and (why := self._known(old, event, asked)):
                    yield f"{event.name}: block {event.block_id} ({event.digest}) was staged again: {why}"
                if event.acted:
                    there[key(event)], last_at = event, event.at
            elif event.kind == "put_blob" and event.digest:
                if present is not None and present.digest == event.digest and (why := self._known(present, event, [])):
                    yield f"{event.name} was sent again as a whole: {why}"
                if event.acted:
                    present, there = event, {}
            elif event.kind == "put_block_list" and event.acted:
                there = {}

    def _forgotten(self, old: Event, now: Event) -> bool:
        return any(old.acted < moment < now.arrived for moment in self.forgotten)

    def _known(self, old: Event, again: Event, asked: list[Event]) -> str | None:
        if any(old.acted < ask.acted and self.answered(ask) and ask.sent < again.arrived for ask in asked):
            return "its list of staged blocks had it"
        between = [one for one in self.breaks if old.arrived < one.until and one.since < again.arrived]
        if any(old.over and old.over < one.since and one.until < again.arrived for one in between):
            return "it was there before the copy was killed, and who goes on has to ask"
        if not between and self.answered(old) and old.sent < again.arrived:
            return "the client was told so"
        return None
