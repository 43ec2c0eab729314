"""Kills that fall on a chosen request."""

from __future__ import annotations

import threading

from tests.harness.blob_endpoint import BlobEndpoint
from tests.harness.conditions import eventually
from tests.harness.copy_process import CopyProcess
from tests.harness.fault_front import Seen


class Moment:
    """Set when the endpoint has acted on the n-th request of a kind; the request's answer is held back meanwhile."""

    def __init__(self, endpoint: BlobEndpoint, kind: str, number: int) -> None:
        self._event, self._go_on = threading.Event(), threading.Event()
        self._kind, self._left = kind, number
        self._lock = threading.Lock()
        endpoint.on_acted = self._look

    def _look(self, seen: Seen) -> None:
        with self._lock:
            self._left -= seen.kind == self._kind
            held = self._left <= 0
        if held:
            self._event.set()
            self._go_on.wait(20)

    def wait(self, copy: CopyProcess) -> None:
        eventually(self._event.is_set, seconds=60, what=f"request {self._kind}\n{copy.output()}", every=0.01)

    def release(self) -> None:
        self._go_on.set()


def killed_in_a_large_file(copy: CopyProcess, endpoint: BlobEndpoint, after_blocks: int) -> None:
    """The copy is killed when so many blocks are staged, and nothing of it is left."""
    moment = Moment(endpoint, "put_block", after_blocks)
    copy.start()
    moment.wait(copy)
    copy.kill_all()
    moment.release()
    endpoint.on_acted = lambda _: None
    copy.no_orphans()
    endpoint.settle()
    endpoint.record.broke()
