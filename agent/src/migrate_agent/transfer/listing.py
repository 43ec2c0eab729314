"""Lists what the destination holds: pages are fetched one after the other, and read meanwhile, by lanes if possible.

A page's text takes longer to read than to fetch, and only the fetching has an order. What reads may be another process
(transfer/workforce.py) that ends in the middle: the page is then read here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from migrate_agent.transfer.blob_xml import BlobPage, marker_of_page, parse_page
from migrate_agent.transfer.courier import Courier, Tries
from migrate_contract.jobs import WaitReason

_PAGES_AHEAD = 3
"""Fetched and not taken yet, at most: some MiB each."""

Reading = Callable[[], BlobPage | None]
"""Waits for a page that somebody else reads; None: he ended before."""


class Readers(Protocol):
    """Who else can read pages."""

    def read_page(self, body: bytes, *, times: bool) -> Reading | None:
        """Result: a way to wait for it; None where nobody is free to do it."""
        ...


class NoReaders:
    """Pages are read where they are fetched."""

    def read_page(self, body: bytes, *, times: bool) -> Reading | None:
        """Result: None."""
        return None


class Lister:
    """Of one job's destination. `readers` may be changed at any time."""

    def __init__(self, courier: Courier, *, prefix: str, page_size: int) -> None:
        self._courier, self._page_size = courier, page_size
        self._below = f"{prefix}/" if prefix else ""
        self.readers: Readers = NoReaders()

    def pages(self, *, metadata: bool = True) -> Iterator[BlobPage]:
        """Yields what is below the job's prefix; `metadata` as in BlobClient.list_body. Raises as Courier.send does."""
        coming = _Ahead(self._parts(metadata=metadata))
        try:
            yield from coming
        finally:
            coming.close()

    def _parts(self, *, metadata: bool) -> Iterator[Callable[[], BlobPage]]:
        """Yields each page as soon as it is fetched, as a way to have it read."""
        marker: str | None = ""
        while marker is not None:
            body = self._fetch(marker, metadata=metadata)
            following = marker_of_page(body)
            if following is None:
                page = parse_page(body, times=metadata)
                following = page.marker
                yield partial(_as_it_is, page)
            else:
                yield self._reading(body, times=metadata)
            marker = following or None

    def _fetch(self, marker: str, *, metadata: bool) -> bytes:
        client = self._courier.client
        return self._courier.send(
            lambda grant: client.list_body(grant, self._below, marker, self._page_size, metadata=metadata),
            Tries(limited=False),
            waiting=WaitReason.NETWORK,
        )

    def _reading(self, body: bytes, *, times: bool) -> Callable[[], BlobPage]:
        elsewhere = self.readers.read_page(body, times=times)

        def read() -> BlobPage:
            page = elsewhere() if elsewhere is not None else None
            return page if page is not None else parse_page(body, times=times)

        return read


def _as_it_is(page: BlobPage) -> BlobPage:
    return page


class _Ahead:
    """Runs an iterator of pages on a thread of its own, some pages ahead of who takes them."""

    def __init__(self, parts: Iterable[Callable[[], BlobPage]]) -> None:
        self._ready: deque[Callable[[], BlobPage]] = deque()
        self._changed = threading.Condition()
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(parts,), name="listing", daemon=True)
        self._thread.start()

    def _run(self, parts: Iterable[Callable[[], BlobPage]]) -> None:
        error: BaseException | None = None
        try:
            for part in parts:
                with self._changed:
                    self._ready.append(part)
                    self._changed.notify_all()
                    while len(self._ready) >= _PAGES_AHEAD and not self._closed:
                        self._changed.wait()
                    if self._closed:
                        return
        except BaseException as fault:  # noqa: BLE001 - raised again on the thread that takes the pages
            error = fault
        finally:
            with self._changed:
                self._error, self._ended = error, True
                self._changed.notify_all()

    def __iter__(self) -> Iterator[BlobPage]:
        while True:
            with self._changed:
                while not self._ready and not self._ended:
                    self._changed.wait()
                if not self._ready:
                    if self._error is not None:
                        raise self._error
                    return
                part = self._ready.popleft()
                self._changed.notify_all()
            yield part()

    def close(self) -> None:
        """Ends the thread; a request that it waits for is let go of."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
