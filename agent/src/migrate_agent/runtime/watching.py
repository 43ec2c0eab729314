"""Looks at a running engine now and then, on a thread of its own, for whoever shows how far it is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from migrate_agent.engine_results import Snapshot


@contextlib.contextmanager
def watching(look: Callable[[], Snapshot], watch: Callable[[Snapshot], None], every_seconds: float) -> Iterator[None]:
    """While inside, `watch` hears what `look` says, every so many seconds."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every_seconds):
            watch(look())

    thread = threading.Thread(target=run, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
