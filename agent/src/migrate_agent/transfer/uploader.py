"""Sends one file: reads it as one state, proves that it kept it, and hands it to the committer.

Small files go up by one Put Blob. Large ones are cut into blocks that all workers send, while this thread reads on in
order and hashes the whole. Raises, and records nothing: the engine does.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from migrate_agent.stop import StopSignal
from migrate_agent.store.entries import Entry, Stored
from migrate_agent.transfer.blob_answers import BlocksLost
from migrate_agent.transfer.blob_http import BlobProperties, Condition
from migrate_agent.transfer.blocks import block_bytes_for, block_id, block_sizes, new_upload_id
from migrate_agent.transfer.committer import Committer
from migrate_agent.transfer.connection import Pace
from migrate_agent.transfer.content_type import content_type
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.meter import Meter
from migrate_agent.transfer.source import FileStat, SourceFile
from migrate_agent.transfer.target_blob import metadata_for
from migrate_contract.errors import ErrorCode, SkipRecord
from migrate_contract.jobs import WaitReason


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A commit that the service confirmed, and the state that it is a copy of."""

    state: FileStat
    stored: Stored


@dataclass(frozen=True, slots=True)
class SourceRules:
    """Where files come from and how they are read."""

    root: str
    follow_links: bool
    racy_seconds: float

    def open(self, path: str, check: Callable[[], None]) -> SourceFile:
        """Result: the open file. Raises SkipRecord(source-...)."""
        return SourceFile(self.root, path, follow=self.follow_links, racy_seconds=self.racy_seconds, check=check)


@dataclass(frozen=True, slots=True)
class Memory:
    """The work queue's part for the uploader: memory, and blocks for every worker to send."""

    hold: Callable[[int], None]
    release: Callable[[int], None]
    put_block: Callable[[Callable[[], None]], None]
    help_until: Callable[[Callable[[], bool]], None]


class Uploader:
    """Shared by all workers of a job; `upload` is called by one worker per file."""

    def __init__(
        self,
        source: SourceRules,
        courier: Courier,
        committer: Committer,
        memory: Memory,
        *,
        pace: Pace,
        meter: Meter,
        stop: StopSignal,
        marker: str,
        chunk_bytes: int,
        single_put_max_bytes: int,
    ) -> None:
        self._source, self._courier, self._committer, self._memory = source, courier, committer, memory
        self._pace, self._meter, self._stop = pace, meter, stop
        self._marker = marker
        self._chunk_bytes, self._single_put_max_bytes = chunk_bytes, single_put_max_bytes

    def hash(self, entry: Entry) -> tuple[FileStat, bytes]:
        """Result: the file's state and its MD5, proved to belong together. Raises SkipRecord(source-...)."""
        with self._meter.during(WaitReason.DISK), self._source.open(entry.path, self._stop.raise_if_requested) as file:
            md5 = file.hash()
            file.confirm(md5)
            return file.state, md5

    def upload(self, entry: Entry, name: str, condition: Condition, tries: Tries) -> Uploaded:
        """Result: the commit. Raises StopRequested with nothing committed, or an error of the catalogue."""
        with self._meter.during(WaitReason.DISK), self._source.open(entry.path, self._check) as file:
            while True:
                try:
                    if file.state.size_bytes <= self._single_put_max_bytes:
                        return self._put_blob(file, name, condition, tries)
                    return self._put_blocks(file, name, condition, tries)
                except BlocksLost as lost:
                    self._begin_anew(lost, tries, file)

    def _check(self) -> None:
        if self._stop.cancelled:
            self._stop.raise_if_requested()

    def _begin_anew(self, lost: BlocksLost, tries: Tries, file: SourceFile) -> None:
        self._stop.raise_if_requested()
        tries.answers += 1
        if tries.answers >= self._courier.max_tries:
            raise lost
        file.rewind()

    def _put_blob(self, file: SourceFile, name: str, condition: Condition, tries: Tries) -> Uploaded:
        size = file.state.size_bytes
        self._memory.hold(size)
        try:
            body = file.read(size)
            if len(body) != size:
                raise _shrank(size, len(body))
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            file.confirm(md5)
            etag = self._committer.put_blob(
                name, body, self._properties(file.state, name, md5), condition, tries, pace=self._pace
            )
        finally:
            self._memory.release(size)
        return Uploaded(file.state, Stored(etag, md5.hex()))

    def _put_blocks(self, file: SourceFile, name: str, condition: Condition, tries: Tries) -> Uploaded:
        block_bytes = block_bytes_for(file.state.size_bytes, self._chunk_bytes)
        staging = _Staging(self, name, new_upload_id(), tries)
        whole = hashlib.md5(usedforsecurity=False)
        try:
            for index, size in enumerate(block_sizes(file.state.size_bytes, block_bytes)):
                staging.raise_fault()
                self._stop.raise_if_requested()
                self._memory.hold(size)
                staging.begin(index, self._read_block(file, size, whole.update))
        finally:
            # Also after a fault: blocks in flight hold memory, and must not outlive their file's verdict.
            self._memory.help_until(staging.done)
            self._meter.staged(-staging.staged_bytes)
        staging.raise_fault()
        self._check()
        md5 = whole.digest()
        file.confirm(md5)
        properties = self._properties(file.state, name, md5)
        etag = self._committer.put_block_list(name, staging.ids, properties, condition, tries)
        return Uploaded(file.state, Stored(etag, md5.hex(), staging.upload_id, block_bytes))

    def _read_block(self, file: SourceFile, size: int, update: Callable[[bytes], None]) -> bytes:
        try:
            body = file.read(size)
            if len(body) != size:
                raise _shrank(size, len(body))
        except BaseException:
            self._memory.release(size)
            raise
        update(body)
        return body

    def stage(self, name: str, id_of_block: str, body: bytes, tries: Tries) -> None:
        """Sends one block; for `_Staging`, on whichever worker is free."""
        self._courier.send(
            lambda grant: self._courier.client.put_block(grant, name, id_of_block, body, pace=self._pace),
            tries,
            waiting=WaitReason.NETWORK,
        )
        self._meter.staged(len(body))

    def put_block(self, send: Callable[[], None]) -> None:
        """Leaves a block to whichever worker is free."""
        self._memory.put_block(send)

    def release(self, size_bytes: int) -> None:
        """A block's memory is free again."""
        self._memory.release(size_bytes)

    @property
    def stopping(self) -> StopSignal:
        """Result: the job's stop signal."""
        return self._stop

    def _properties(self, state: FileStat, name: str, md5: bytes) -> BlobProperties:
        metadata = metadata_for(state.storable_mtime_ns, self._marker)
        return BlobProperties(md5, content_type(name), metadata)


class _Staging:
    """The blocks of one upload, of which several are on their way at once. The first fault ends it."""

    def __init__(self, uploader: Uploader, name: str, upload_id: str, tries: Tries) -> None:
        self._uploader, self._name, self._tries = uploader, name, tries
        self.upload_id = upload_id
        self.ids: list[str] = []
        self.staged_bytes = 0
        self._lock = threading.Lock()
        self._on_their_way = 0
        self._fault: BaseException | None = None

    def begin(self, index: int, body: bytes) -> None:
        """The next block is read: any worker may send it."""
        chosen = block_id(index, self.upload_id)
        self.ids.append(chosen)
        with self._lock:
            self._on_their_way += 1
        self._uploader.put_block(lambda: self._send(chosen, body))

    def _send(self, chosen: str, body: bytes) -> None:
        try:
            if self._fault is None:
                self._uploader.stopping.raise_if_requested()
                self._uploader.stage(self._name, chosen, body, self._tries)
                with self._lock:
                    self.staged_bytes += len(body)
        except BaseException as fault:  # noqa: BLE001 - on another file's thread; raised again on this one's
            self._fault = self._fault or fault
        finally:
            with self._lock:
                self._on_their_way -= 1
            self._uploader.release(len(body))

    def done(self) -> bool:
        """Result: whether no block is on its way."""
        return self._on_their_way == 0

    def raise_fault(self) -> None:
        """Raises what the first failed block raised."""
        if self._fault is not None:
            raise self._fault


def _shrank(expected: int, found: int) -> SkipRecord:
    return SkipRecord(ErrorCode.SOURCE_CHANGED, f"it ended {expected - found} bytes early while it was read")
