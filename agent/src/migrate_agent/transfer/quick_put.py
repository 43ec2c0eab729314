"""The way of nearly all files: small ones in one request each, with as few steps of the interpreter as there can be.

Several are read, sent, and then waited for together, so that a thread seldom has to wait and give way to another. It
does what source.py, blob_http.py, pool.py and courier.py do, in one place, for the one case that everything is as
usual: the file is small, old enough and keeps its state, there is a grant, a connection and no bandwidth limit, and the
service answers 201. At anything else it decides nothing: what happened is handed to the general way, which takes it up
as if it had happened there. A small file costs the interpreter a third of what the general way does.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from migrate_agent.store.entries import path_key
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.blob_answers import AccessRefused, refusal
from migrate_agent.transfer.blob_http import Address, Condition
from migrate_agent.transfer.connection import Answer, ConnectionFault
from migrate_agent.transfer.content_type import content_type
from migrate_agent.transfer.meter import Meter, reason_index
from migrate_agent.transfer.pool import Begun, ConnectionPool
from migrate_agent.transfer.source import OPEN_FLAGS
from migrate_agent.transfer.target_blob import MARKER_KEY, MTIME_KEY, format_mtime
from migrate_contract.errors import MigrateError
from migrate_contract.jobs import Grant, WaitReason

MOST_BYTES = 56 * 1024
"""With its headers such a file still leaves in one piece, and needs no memory to be counted."""
MOST_FILES = 16
_READING_SECONDS = 0.004
_LARGEST_NS = 2**63 - 1
_is_plain = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch
"""Names that need no percent sign."""
_DISK, _NETWORK = reason_index(WaitReason.DISK), reason_index(WaitReason.NETWORK)
_NEW = b"\r\nIf-None-Match: *"
_REQUEST = (
    b"%b%b%bContent-MD5: %b\r\nx-ms-blob-content-md5: %b\r\nx-ms-blob-content-type: %b\r\nx-ms-meta-"
    + MTIME_KEY.encode("ascii")
    + b": %b%b\r\nContent-Length: %d\r\n\r\n%b"
)


class QuickFile(NamedTuple):
    """A file to send: its path below the source, size as the scan met it, blob's name, and the commit's condition."""

    path: str
    size_bytes: int
    name: str
    condition: Condition


class QuickCopy(NamedTuple):
    """A commit that the service confirmed. The file has the size that the scan met; `md5` is hexadecimal."""

    mtime_ns: int
    etag: str
    md5: str


class Refused(NamedTuple):
    """The request was sent, or may have been: `error` says what came of it."""

    error: MigrateError


_Ready = tuple[int, int, str]
"""Which file it is, its time, and its MD5."""


class Sending(NamedTuple):
    """Files that are on their way together; those that had to be left out are not among `ready`."""

    files: Sequence[QuickFile]
    ready: list[_Ready]
    begun: Begun
    sent_at: float


class QuickPut:
    """Shared by all workers of a process. POSIX only: Windows' files need a closer look before they are opened."""

    def __init__(
        self,
        root: bytes,
        pool: ConnectionPool,
        access: GrantSource,
        meter: Meter,
        *,
        marker: str,
        access_tier: str | None,
        racy_ns: int,
        may_pass: Callable[[], bool],
    ) -> None:
        """`root` ends with '/'. `may_pass`: no limit, no outage and no stop is in the way now."""
        self._root, self._pool, self._access, self._meter = root, pool, access, meter
        self._racy_ns, self._may_pass = racy_ns, may_pass
        tier = f"x-ms-access-tier: {access_tier}\r\n" if access_tier else ""
        self._same = f"x-ms-blob-type: BlockBlob\r\nx-ms-meta-{MARKER_KEY}: {marker}\r\n{tier}".encode("ascii")
        self._width, self._seconds_a_file = 1, _READING_SECONDS
        self._parts: tuple[Grant, Address, bytes, bytes] | None = None

    @property
    def width(self) -> int:
        """Result: how many files at most make one call of `begin`.

        A call reads all of them before it sends any, so on a slow disk or share few, for threads read side by side.
        """
        return self._width

    def begin(self, files: Sequence[QuickFile]) -> Sending | None:
        """Reads and sends them. Result: for `end`, which must follow; None where nothing may be sent this way now.

        Raises what the grant's source raises.
        """
        if not self._may_pass():
            return None
        switch = self._meter.switch
        outer = switch(_DISK)
        try:
            _, address, before, after = self._parts_of(self._access.current())
            began = time.monotonic()
            ready: list[_Ready] = []
            requests: list[bytes] = []
            for index, (path, size, name, condition) in enumerate(files):
                read = self._read(self._root + path_key(path), size) if size <= MOST_BYTES else None
                if read is None:
                    continue
                mtime_ns, body, md5 = read
                mtime = format_mtime(mtime_ns)
                if mtime is not None:
                    requests.append(self._request(before, name, after, mtime, md5, condition, body))
                    ready.append((index, mtime_ns, md5.hex()))
            sent_at = time.monotonic()
            self._set_width(sent_at - began, len(files))
            switch(_NETWORK)
            return Sending(files, ready, self._pool.begin_all(address.endpoint, requests), sent_at)
        finally:
            switch(outer)

    def end(self, sending: Sending) -> list[QuickCopy | Refused | None]:
        """Waits for the answers.

        Result: for each file in order the copy, or what came of its request, or None: the general way has to do it.
        """
        outer = self._meter.switch(_NETWORK)
        try:
            answers = self._pool.end_all(sending.begun)
        finally:
            self._meter.switch(outer)
        files = sending.files
        found: list[QuickCopy | Refused | None] = [None] * len(files)
        sent_bytes = answered = 0
        for (index, mtime_ns, md5), answer in zip(sending.ready, answers, strict=True):
            if not isinstance(answer, ConnectionFault):
                sent_bytes += files[index].size_bytes
                answered += 1
            if isinstance(answer, str):
                found[index] = QuickCopy(mtime_ns, answer, md5)
            else:
                found[index] = self._taken_apart(answer, files[index].name, mtime_ns, md5)
        if answered:
            self._meter.sent_and_answered(sent_bytes, time.monotonic() - sending.sent_at, requests=answered)
        return found

    @staticmethod
    def _taken_apart(
        answer: Answer | ConnectionFault, name: str, mtime_ns: int, md5: str
    ) -> QuickCopy | Refused | None:
        if isinstance(answer, ConnectionFault):
            # A kept connection that the peer closed while it was idle: nobody has seen the request.
            return None if answer.untouched else Refused(answer)
        if 200 <= answer.status < 300:
            return QuickCopy(mtime_ns, answer.headers.get("etag", "").strip('"'), md5)
        error = refusal(answer, name)
        # Which grant was refused is the general way's to know: it asks again with the one that is good now.
        return None if isinstance(error, AccessRefused) else Refused(error)

    def _set_width(self, seconds: float, files: int) -> None:
        """So many as are read within `_READING_SECONDS`, by what the last ones took."""
        self._seconds_a_file += (seconds / files - self._seconds_a_file) / 8
        self._width = max(1, min(MOST_FILES, int(_READING_SECONDS / max(self._seconds_a_file, 1e-6))))

    def _read(self, where: bytes, size: int) -> tuple[int, bytes, bytes] | None:
        """Time, bytes and MD5 of a regular file as large as expected, old enough to be read once, and unchanged."""
        try:
            descriptor = os.open(where, OPEN_FLAGS)
            try:
                found = os.fstat(descriptor)
                mtime_ns = found.st_mtime_ns
                if found.st_size != size or not stat.S_ISREG(found.st_mode):
                    return None
                if mtime_ns >= time.time_ns() - self._racy_ns or mtime_ns < -_LARGEST_NS:
                    return None
                # One byte more than there should be: what was appended meanwhile shows at once.
                body = os.read(descriptor, size + 1)
            finally:
                os.close(descriptor)
            now = os.stat(where, follow_symlinks=False)  # noqa: PTH116 - bytes
        except OSError:
            return None  # what that means is said where the file is opened again
        if (
            len(body) != size
            or now.st_size != size
            or now.st_mtime_ns != mtime_ns
            or now.st_ino != found.st_ino
            or now.st_ctime_ns != found.st_ctime_ns
            or now.st_dev != found.st_dev
        ):
            return None
        return mtime_ns, body, hashlib.md5(body, usedforsecurity=False).digest()

    def _parts_of(self, grant: Grant) -> tuple[Grant, Address, bytes, bytes]:
        """The grant's address, and what every request has before and after the blob's name."""
        parts = self._parts
        if parts is None or parts[0] is not grant:
            address = Address.of(grant)
            before = f"PUT {address.path}/".encode("latin-1")
            after = f"?{address.sas} HTTP/1.1\r\n{address.fields}".encode("latin-1") + self._same
            parts = self._parts = (grant, address, before, after)
        return parts

    @staticmethod
    def _request(
        before: bytes, name: str, after: bytes, mtime: str, md5: bytes, condition: Condition, body: bytes
    ) -> bytes:
        digest = binascii.b2a_base64(md5, newline=False)
        return _REQUEST % (
            before,
            (name if _is_plain(name) else quote(name, safe="/")).encode("ascii"),
            after,
            digest,
            digest,
            content_type(name).encode("ascii"),
            mtime.encode("ascii"),
            _NEW if condition.etag is None else b'\r\nIf-Match: "%b"' % condition.etag.encode("latin-1"),
            len(body),
            body,
        )
