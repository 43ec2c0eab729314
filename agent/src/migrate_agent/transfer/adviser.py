"""Gathers what the advice and the averages are made of while a copy runs: the engine's one place to feed and to ask."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from migrate_agent.store.entries import Counters
from migrate_agent.transfer.advice import AdviceFacts, advise, service_is_busy
from migrate_agent.transfer.progress import AverageSpeed
from migrate_agent.transfer.wait_window import WaitWindow
from migrate_contract.jobs import JobPhase, TransferSettings, WaitReason
from migrate_contract.schedule import LimitInForce


class Adviser:
    """Safe for all threads: one samples at steady intervals, and any asks."""

    def __init__(
        self,
        transfer: TransferSettings,
        memory_limit_bytes: int,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        processors: int | None = None,
    ) -> None:
        """`processors`: that the copy may use; None: what the machine has."""
        self._transfer, self._memory_limit_bytes = transfer, memory_limit_bytes
        self._clock, self._monotonic = clock, monotonic
        self._processors = processors or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._window = WaitWindow()
        self._average = AverageSpeed()

    def sample(
        self, waited_seconds: Mapping[WaitReason, float], *, sent_bytes: int, retries: int, busy_answers: int = 0
    ) -> None:
        """Totals so far: worker-seconds per reason, payload, requests sent again, 503 among what those were for."""
        now = self._monotonic()
        self._window.feed(now, waited_seconds, retries=retries, busy_answers=busy_answers)
        with self._lock:
            self._average.sample(now, sent_bytes)

    def average_bytes_per_second(self) -> float:
        """Result: payload per second since the first upload."""
        with self._lock:
            return self._average.bytes_per_second()

    def service_is_busy(self) -> bool:
        """Result: whether the storage service has said so too often in the last half minute."""
        return service_is_busy(self._window.shares(), self._window.busy_answers())

    def advice(
        self,
        phase: JobPhase,
        counters: Counters,
        *,
        scan_complete: bool,
        speed_bytes_per_second: float,
        limit: LimitInForce | None,
        concurrency: int,
        block_bytes: int,
        round_trip_seconds: float | None,
        auto_would_use: int | None = None,
    ) -> str:
        """Result: the sentence for now; '' in every phase but `running`: what does not send has nothing to speed up."""
        if phase is not JobPhase.RUNNING:
            return ""
        files = counters.files.transferred + counters.files.pending
        size = counters.bytes.transferred + counters.bytes.pending
        return advise(
            AdviceFacts(
                now=self._clock(),
                shares=self._window.shares(),
                window_seconds=self._window.seconds(),
                limit=limit,
                speed_bytes_per_second=speed_bytes_per_second,
                concurrency=concurrency,
                fixed=self._transfer.concurrency != "auto",
                auto_would_use=auto_would_use,
                chunk_bytes=self._transfer.chunk_size_mib << 20,
                block_bytes=block_bytes,
                average_file_bytes=size / files if files else 0.0,
                round_trip_seconds=round_trip_seconds,
                retries=self._window.retries(),
                busy_answers=self._window.busy_answers(),
                scan_complete=scan_complete,
                memory_limit_bytes=self._memory_limit_bytes,
                processors=self._processors,
            )
        )
