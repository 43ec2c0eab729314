"""Listing the destination: pages in order, read by whoever can, and here where he cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from migrate_agent.transfer.blob_xml import BlobPage, marker_of_page, parse_page
from migrate_agent.transfer.listing import Lister, Reading
from migrate_contract.errors import ErrorCode, Fatal


def page_of(number: int, following: str) -> bytes:
    blob = (
        f"<Blob><Name>blob-{number}</Name><Properties><Etag>0x{number}</Etag><Content-Length>3</Content-Length>"
        "</Properties></Blob>"
    )
    marker = f"<NextMarker>{following}</NextMarker>"
    return f"<EnumerationResults><Blobs>{blob}</Blobs>{marker}</EnumerationResults>".encode()


class Service:
    """A Courier with a client whose listing has so many pages; keeps the markers that it was asked with."""

    def __init__(self, pages: int, *, fault_at: int = -1) -> None:
        self.pages, self.fault_at = pages, fault_at
        self.asked: list[str] = []
        self.client = self

    def send(self, call: Callable[[Any], bytes], tries: object, *, waiting: object) -> bytes:
        return call(None)

    def list_body(self, grant: object, prefix: str, marker: str, limit: int, *, metadata: bool) -> bytes:
        self.asked.append(marker)
        number = int(marker or 0)
        if number == self.fault_at:
            raise Fatal(ErrorCode.TARGET_ACCESS_DENIED, "no")
        return page_of(number, str(number + 1) if number + 1 < self.pages else "")


class Elsewhere:
    """Reads every page on another thread; `dies`: ends before it has read any."""

    def __init__(self, *, dies: bool = False) -> None:
        self.dies, self.read = dies, 0

    def read_page(self, body: bytes, *, times: bool) -> Reading:
        found: list[BlobPage] = []
        thread = threading.Thread(target=lambda: None if self.dies else found.append(parse_page(body, times=times)))
        thread.start()
        self.read += 1

        def wait() -> BlobPage | None:
            thread.join()
            return found[0] if found else None

        return wait


def names(lister: Lister) -> list[str]:
    return [blob.name for page in lister.pages() for blob in page.blobs]


@pytest.mark.parametrize("readers", [None, Elsewhere(), Elsewhere(dies=True)], ids=["here", "elsewhere", "died"])
def test_every_page_comes_once_and_in_order(readers):
    service = Service(9)
    lister = Lister(service, prefix="", page_size=1)  # type: ignore[arg-type]
    if readers is not None:
        lister.readers = readers
    assert names(lister) == [f"blob-{number}" for number in range(9)]
    assert service.asked == ["", *[str(number) for number in range(1, 9)]]
    assert readers is None or readers.read == 9


def test_a_fault_comes_after_the_pages_before_it():
    lister = Lister(Service(5, fault_at=2), prefix="", page_size=1)  # type: ignore[arg-type]
    pages = lister.pages()
    seen = [blob.name for page in (next(pages), next(pages)) for blob in page.blobs]
    with pytest.raises(Fatal) as raised:
        next(pages)
    assert raised.value.code is ErrorCode.TARGET_ACCESS_DENIED
    assert seen == ["blob-0", "blob-1"]


def test_only_some_pages_are_fetched_ahead_and_a_taker_who_leaves_ends_it():
    service = Service(1000)
    lister = Lister(service, prefix="", page_size=1)  # type: ignore[arg-type]
    before = threading.active_count()
    pages = lister.pages()
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name == "listing":
            thread.join(5)
    assert threading.active_count() <= before
    assert len(service.asked) < 10


def test_the_marker_is_known_before_the_page_is_read():
    assert marker_of_page(page_of(1, "a&amp;b")) == "a&b"
    assert marker_of_page(page_of(1, "")) == ""
    assert marker_of_page(b"<html>proxy</html>") is None
    assert marker_of_page(page_of(1, "x")[:-5]) is None
