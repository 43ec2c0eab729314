"""Sends one file: reads it as one state, proves that it kept it, and hands it to the committer.

Small files go up by one Put Blob. Large ones are cut into blocks that all workers check and send, while this thread
reads on in order and hashes the whole; a block that the service holds already, from a process or attempt that was
broken off, is not sent again. Raises, and records nothing: the engine does.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from migrate_agent.stop import StopSignal
from migrate_agent.store.entries import Entry, Stored, path_key
from migrate_agent.transfer.blob_answers import BlocksLost
from migrate_agent.transfer.blob_http import BlobProperties, Condition
from migrate_agent.transfer.blocks import (
    ID_BYTES,
    block_bytes_for,
    block_id,
    block_sizes,
    blocks_digest,
    id_bytes_beside,
    upload_id,
)
from migrate_agent.transfer.committer import Committer
from migrate_agent.transfer.connection import Pace
from migrate_agent.transfer.content_check import ContentCheck
from migrate_agent.transfer.content_type import content_type
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.meter import Meter, reason_index
from migrate_agent.transfer.posix_properties import carried_metadata
from migrate_agent.transfer.sizing import Sizes
from migrate_agent.transfer.source import FileStat, SourceFile, Whole, confirm_state, read_whole, system_path
from migrate_agent.transfer.source_folder import open_file
from migrate_agent.transfer.target_blob import metadata_for
from migrate_contract.errors import ErrorCode, MigrateError, SkipRecord
from migrate_contract.jobs import WaitReason

_DISK, _NONE = reason_index(WaitReason.DISK), reason_index(WaitReason.NONE)
_QUIET_READ_BYTES = 1 << 20
"""Below this a file is read in one go; above, a cancel must get through between reads."""


class Uploaded(NamedTuple):
    """A commit that the service confirmed, and the state that it is a copy of."""

    state: FileStat
    stored: Stored


class SourceRules:
    """Where files come from and how they are read."""

    def __init__(self, root: str, *, follow_links: bool, racy_seconds: float, posix_properties: bool = False) -> None:
        self.root, self.follow_links, self.racy_seconds = root, follow_links, racy_seconds
        self.posix_properties = posix_properties
        self._racy_ns = int(racy_seconds * 1e9)
        base = system_path(root, "")
        self._base = base.rstrip(b"/") + b"/" if isinstance(base, bytes) else None

    def where(self, path: str) -> str | bytes:
        """Result: the file's path for the system."""
        return system_path(self.root, path) if self._base is None else self._base + path_key(path)

    def young_ns(self) -> int:
        """Result: files modified after this moment may change again unseen."""
        return time.time_ns() - self._racy_ns

    def open(self, path: str, check: Callable[[], None]) -> SourceFile:
        """Result: the open file. Raises SkipRecord(source-...)."""
        return open_file(self.root, path, follow=self.follow_links, racy_seconds=self.racy_seconds, check=check)

    def metadata(self, state: FileStat, found: os.stat_result, marker: str) -> dict[str, str]:
        """Result: the metadata of the blob of a file in `state`, whose stat was `found`."""
        carried = carried_metadata(found, posix_properties=self.posix_properties)
        return metadata_for(state.storable_mtime_ns, marker) | carried


@dataclass(frozen=True, slots=True)
class Memory:
    """The work queue's part for the uploader: memory, and blocks for every worker to send."""

    hold: Callable[[int], None]
    release: Callable[[int], None]
    put_block: Callable[[Callable[[], None]], None]
    help_until: Callable[[Callable[[], bool]], None]


class Uploader:
    """Shared by all workers of a process; `upload` is called by one worker per file."""

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
        sizes: Sizes,
        check: ContentCheck,
        access_tier: str | None = None,
    ) -> None:
        """`access_tier`: given with each commit, as the service spells it."""
        self._source, self._courier, self._committer, self._memory = source, courier, committer, memory
        self._pace, self._meter, self._stop = pace, meter, stop
        self._marker, self._sizes, self._content = marker, sizes, check
        self._access_tier = access_tier

    def hash(self, entry: Entry) -> tuple[FileStat, bytes]:
        """Result: the file's state and its MD5, proved to belong together. Raises SkipRecord(source-...)."""
        with self._meter.during(WaitReason.DISK), self._source.open(entry.path, self._stop.raise_if_requested) as file:
            md5 = file.hash()
            file.confirm(md5)
            return file.state, md5

    def upload(
        self, entry: Entry, name: str, condition: Condition, tries: Tries, first: MigrateError | None = None
    ) -> Uploaded:
        """Result: the commit. `first`: what came of a quick try. Raises StopRequested, or an error of the catalogue."""
        size = entry.size_bytes
        if size <= min(self._sizes.single_put_bytes, _QUIET_READ_BYTES) and not entry.path.endswith("/"):
            uploaded = self._put_small(entry, name, condition, tries, first)
            if uploaded is not None:
                return uploaded
        with self._meter.during(WaitReason.DISK), self._source.open(entry.path, self._check) as file:
            while True:
                try:
                    if file.state.size_bytes <= self._sizes.single_put_bytes:
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

    def _put_small(
        self, entry: Entry, name: str, condition: Condition, tries: Tries, first: MigrateError | None
    ) -> Uploaded | None:
        """A file that is read in one go. `first`: what came of a quick try. Result: None where a closer look is due."""
        source, size = self._source, entry.size_bytes
        where = source.where(entry.path)
        self._memory.hold(size)
        try:
            outer = self._meter.switch(_DISK)
            try:
                whole = read_whole(where, size, follow=source.follow_links, young_ns=source.young_ns())
                if whole is None or whole.young:
                    return None
                md5 = hashlib.md5(whole.body, usedforsecurity=False).digest()
                confirm_state(where, whole.state, follow=source.follow_links)
            finally:
                self._meter.switch(outer)
            properties = self._properties(whole, name, md5)
            etag = self._committer.put_blob(
                name, whole.body, properties, condition, tries, pace=self._pace, first=first
            )
        finally:
            self._memory.release(size)
        return Uploaded(whole.state, Stored(etag, md5.hex()))

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
                name, body, self._properties(file, name, md5), condition, tries, pace=self._pace
            )
        finally:
            self._memory.release(size)
        return Uploaded(file.state, Stored(etag, md5.hex()))

    def _put_blocks(self, file: SourceFile, name: str, condition: Condition, tries: Tries) -> Uploaded:
        block_bytes = block_bytes_for(file.state.size_bytes, self._sizes.block_bytes)
        sizes = block_sizes(file.state.size_bytes, block_bytes)
        upload = upload_id(name, file.state.size_bytes, file.state.mtime_ns, block_bytes)
        staging = _Staging(self, name, upload, self._staged(name, tries), sizes, tries)
        whole = hashlib.md5(usedforsecurity=False)
        try:
            for index, size in enumerate(sizes):
                staging.raise_fault()
                self._stop.raise_if_requested()
                # Memory is full of blocks that are being sent: that is waiting for the network, not for the disk.
                with self._meter.during(WaitReason.NETWORK):
                    self._memory.hold(size)
                staging.begin(index, self._read_block(file, size, whole.update))
        finally:
            # Also after a fault: blocks in flight hold memory, and must not outlive their file's verdict.
            with self._meter.during(WaitReason.NETWORK):
                self._memory.help_until(staging.done)
            self._meter.staged(-staging.staged_bytes)
        staging.raise_fault()
        self._check()
        md5 = whole.digest()
        file.confirm(md5)
        properties = self._properties(file, name, md5)
        etag = self._committer.put_block_list(name, staging.ids, properties, condition, tries)
        blocks = blocks_digest(list(zip(staging.ids, sizes, strict=True)))
        return Uploaded(file.state, Stored(etag, md5.hex(), blocks))

    def _staged(self, name: str, tries: Tries) -> dict[str, int]:
        """What the service holds uncommitted under this name, by id."""
        return dict(
            self._courier.send(
                lambda grant: self._courier.client.staged_blocks(grant, name), tries, waiting=WaitReason.NETWORK
            )
        )

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

    def digest(self, body: bytes) -> bytes:
        """Result: what the service will check the block by."""
        return self._content.digest(body)

    def stage(self, name: str, id_of_block: str, body: bytes, digest: bytes, tries: Tries) -> None:
        """Sends one block; for `_Staging`, on whichever worker is free."""
        check = self._content.header_line(digest)
        self._courier.send(
            lambda grant: self._courier.client.put_block(grant, name, id_of_block, body, check, pace=self._pace),
            tries,
            waiting=WaitReason.NETWORK,
        )

    def count_staged(self, size_bytes: int) -> None:
        """A block of a file that is not committed yet is at the service."""
        self._meter.staged(size_bytes)

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

    def _properties(self, file: SourceFile | Whole, name: str, md5: bytes) -> BlobProperties:
        metadata = self._source.metadata(file.state, file.found, self._marker)
        return BlobProperties(md5, content_type(name), metadata, self._access_tier)


class _Staging:
    """The blocks of one upload, of which several are on their way at once. The first fault ends it."""

    def __init__(
        self, uploader: Uploader, name: str, upload: bytes, staged: dict[str, int], sizes: list[int], tries: Tries
    ) -> None:
        """`staged`: what the service holds already; a block that is among it is not sent."""
        self._uploader, self._name, self._upload, self._tries = uploader, name, upload, tries
        self._staged = staged
        self._id_bytes = id_bytes_beside(staged) if staged else ID_BYTES
        self.ids = [""] * len(sizes)
        self.staged_bytes = 0
        self._lock = threading.Lock()
        self._on_their_way = 0
        self._fault: BaseException | None = None

    def begin(self, index: int, body: bytes) -> None:
        """The next block is read: any worker may send it."""
        with self._lock:
            self._on_their_way += 1
        self._uploader.put_block(lambda: self._send(index, body))

    def _send(self, index: int, body: bytes) -> None:
        try:
            if self._fault is None:
                self._uploader.stopping.raise_if_requested()
                digest = self._uploader.digest(body)
                chosen = block_id(index, self._upload, digest, self._id_bytes)
                if self._staged.get(chosen) != len(body):
                    self._uploader.stage(self._name, chosen, body, digest, self._tries)
                self._uploader.count_staged(len(body))
                with self._lock:
                    self.ids[index] = chosen
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
