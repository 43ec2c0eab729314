"""The stages between the journal and the workers: the scan's recording, each pass's feeding, and reading back.

A *pass* goes once over the files that are pending (the first) or that failed before (the later ones). After it, the
committed files are read back from the service, and become final or are tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from migrate_agent.stop import StopSignal
from migrate_agent.store.entries import Entry, FileState, Found, Listed, Verdict, path_key
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer import outcomes
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.finishing import Finisher
from migrate_agent.transfer.listing import Lister
from migrate_agent.transfer.names import blob_name, path_below
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_agent.transfer.verify import block_difference, difference
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, WaitReason

_FIRST_BATCH = 64
_BATCH = 1000
_BATCH_SECONDS = 0.5
PAGE = 500

Persist = Callable[[Callable[[], None]], None]
"""Runs a write of the journal, and waits for room where the disk is full. Raises StopRequested."""


def record_scan(
    walk: Iterable[Found],
    journal: JobJournal,
    persist: Persist,
    *,
    stop: StopSignal,
    check: Callable[[], None],
    found: Callable[[], None],
    settle: Callable[[list[Found]], list[Found]] = lambda batch: batch,
) -> None:
    """Puts what the scan meets into the journal, and says when it is complete. Raises StopRequested, Fatal.

    `check` raises Fatal if the whole source went away (a folder that fails may be all of them); `found` is called after
    each batch; `settle` gives verdicts to files that need no work, so that they are written once.
    """
    batch: list[Found] = []
    limit, since = _FIRST_BATCH, time.monotonic()
    for item in walk:
        stop.raise_if_requested()
        if item.verdict is not None and item.verdict.bucket is Bucket.FAILED:
            check()
        batch.append(item)
        if len(batch) >= limit or time.monotonic() - since >= _BATCH_SECONDS:
            _add(settle(batch), journal, persist)
            found()
            batch, limit, since = [], _BATCH, time.monotonic()
    stop.raise_if_requested()
    if batch:
        _add(settle(batch), journal, persist)
    persist(journal.finish_scan)


def _add(batch: list[Found], journal: JobJournal, persist: Persist) -> None:
    if batch:
        persist(lambda: journal.add_found(batch))


def entries_in(journal: JobJournal, state: FileState) -> Iterator[Entry]:
    """Yields each entry in `state` once, by id."""
    for page in pages_in(journal, state, lambda: False, lambda: None):
        yield from page


def pages_in(
    journal: JobJournal, state: FileState, scanning: Callable[[], bool], wait_for_more: Callable[[], None]
) -> Iterator[list[Entry]]:
    """Yields the entries in `state` once, by id, some at a time; while `scanning`, waits for more of them."""
    after = 0
    while True:
        more_to_come = scanning()
        page = journal.pending(state, after, PAGE)
        if page:
            yield page
            after = page[-1].file_id
        elif more_to_come:
            wait_for_more()
        else:
            return


class ReadBack:
    """Reads committed files back from the service at the end of a pass: by listing, or one by one if they are few."""

    def __init__(
        self,
        journal: JobJournal,
        courier: Courier,
        persist: Persist,
        *,
        lister: Lister,
        prefix: str,
        head_limit: int,
        finisher: Finisher,
    ) -> None:
        self._lister = lister
        self._finisher = finisher
        self._verified: list[tuple[Entry, Verdict]] = []
        self._journal, self._courier, self._persist = journal, courier, persist
        self._prefix, self._head_limit = prefix, head_limit

    def run(self, *, last_pass: bool) -> None:
        """Every committed file becomes final, or is tried again (failed in the last pass). Raises StopRequested."""
        count = self._journal.count(FileState.COMMITTED)
        if not count:
            return
        if count > self._head_limit:
            for page in self._lister.pages(metadata=False):
                self._compare(page.blobs, last_pass=last_pass)
        # What is committed still was in no page: it is gone, or the listing was not used.
        after = 0
        while entries := self._journal.pending(FileState.COMMITTED, after, PAGE):
            for entry in entries:
                after = entry.file_id
                name = blob_name(self._prefix, entry.path)
                self._settle(entry, self._head(name), last_pass=last_pass)
            self._finish(last_pass=last_pass)
            self._persist(self._journal.flush)

    def _compare(self, blobs: list[TargetBlob], *, last_pass: bool) -> None:
        # Verified files that need a last step become final one by one, and not by a comparison of the whole page.
        if not self._finisher.active and self._prove(blobs) == len(blobs):
            return
        by_path = {path: blob for blob in blobs if (path := path_below(self._prefix, blob.name)) is not None}
        by_path |= {f"{path}/": blob for path, blob in by_path.items() if blob.size_bytes == 0}
        for path, entry in self._journal.committed(by_path).items():
            self._settle(entry, by_path[path], last_pass=last_pass)
        self._finish(last_pass=last_pass)
        self._persist(self._journal.flush)

    def _prove(self, blobs: list[TargetBlob]) -> int:
        """Result: how many of these blobs are what was committed; those files are final now."""
        cut = len(f"{self._prefix}/") if self._prefix else 0
        listed: list[Listed] = []
        for name, size, etag, md5, *_ in blobs:
            if md5 is not None:
                path = name[cut:]
                listed.append(Listed(path_key(path), size, etag, md5))
                # An empty blob may be a folder's marker, whose path ends in '/'; no folder has both names.
                if not size:
                    listed.append(Listed(path_key(f"{path}/"), 0, etag, md5))
        proved: list[int] = []
        self._persist(lambda: proved.append(self._journal.prove(listed)))
        return proved[-1]

    def _head(self, name: str) -> TargetBlob | None:
        return self._courier.send(
            lambda grant: self._courier.client.head(grant, name), Tries(limited=False), waiting=WaitReason.COMMIT
        )

    def _settle(self, entry: Entry, blob: TargetBlob | None, *, last_pass: bool) -> None:
        # An archived blob's blocks cannot be listed; it was archived after they had been.
        archived = blob is not None and blob.archived
        wrong = difference(entry, blob) or (None if archived else self._wrong_blocks(entry))
        if wrong is None:
            self._verified.append((entry, outcomes.read_back(entry, blob.tier if blob else None)))
            return
        verdict = outcomes.failed(entry, ErrorCode.VERIFY_MISMATCH, wrong, tries=0, last_pass=last_pass)
        self._journal.record(entry.file_id, verdict)

    def _finish(self, *, last_pass: bool) -> None:
        """The last steps of what is verified (transfer/finishing.py)."""
        verified, self._verified = self._verified, []
        for entry, verdict in self._finisher.finish_all(verified, last_pass=last_pass):
            self._journal.record(entry.file_id, verdict)

    def _wrong_blocks(self, entry: Entry) -> str | None:
        if entry.stored is None or not entry.stored.blocks:
            return None
        name = blob_name(self._prefix, entry.path)
        blocks = self._courier.send(
            lambda grant: self._courier.client.block_list(grant, name), Tries(limited=False), waiting=WaitReason.COMMIT
        )
        return block_difference(entry, blocks)
