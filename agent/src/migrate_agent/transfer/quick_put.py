"""The way of nearly all files: a small one in one request, with as few steps of the interpreter as there can be.

It does what source.py, blob_http.py, pool.py and courier.py do, in one place, for the one case that everything is as
usual: the file is small, old enough and keeps its state, there is a grant, a connection and no bandwidth limit, and the
service answers 201. At anything else it decides nothing: what happened is handed to the general way, which takes it up
as if it had happened there. A small file costs the interpreter half of what the general way does.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import stat
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from migrate_agent.store.entries import Stored, path_key
from migrate_agent.transfer.access import GrantSource
from migrate_agent.transfer.blob_answers import AccessRefused, refusal
from migrate_agent.transfer.blob_http import Address, Condition
from migrate_agent.transfer.connection import ConnectionFault
from migrate_agent.transfer.content_type import content_type
from migrate_agent.transfer.meter import Meter, reason_index
from migrate_agent.transfer.pool import ConnectionPool
from migrate_agent.transfer.source import OPEN_FLAGS, FileStat, stat_of
from migrate_agent.transfer.target_blob import MARKER_KEY, MTIME_KEY, format_mtime
from migrate_contract.errors import MigrateError
from migrate_contract.jobs import Grant, WaitReason

MOST_BYTES = 56 * 1024
"""With its headers such a file still leaves in one piece, and needs no memory to be counted."""
_DISK, _NETWORK = reason_index(WaitReason.DISK), reason_index(WaitReason.NETWORK)
_NEW = b"\r\nIf-None-Match: *"
_REQUEST = (
    b"%b%b%bContent-MD5: %b\r\nx-ms-blob-content-md5: %b\r\nx-ms-blob-content-type: %b\r\nx-ms-meta-"
    + MTIME_KEY.encode("ascii")
    + b": %b%b\r\nContent-Length: %d\r\n\r\n%b"
)


class QuickCopy(NamedTuple):
    """A commit that the service confirmed."""

    state: FileStat
    stored: Stored


class Refused(NamedTuple):
    """The request was sent, or may have been: `error` says what came of it."""

    error: MigrateError


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
        self._parts: tuple[Grant, Address, bytes, bytes] | None = None

    def put(self, path: str, size: int, name: str, condition: Condition) -> QuickCopy | Refused | None:
        """Result: the copy; or what came of the request; or None: the general way has to do it, from the start.

        Raises what the grant's source raises.
        """
        if size > MOST_BYTES or not self._may_pass():
            return None
        switch = self._meter.switch
        outer = switch(_DISK)
        try:
            found = self._read(self._root + path_key(path), size)
            if found is None:
                return None
            state, body, md5 = found
            mtime = format_mtime(state.storable_mtime_ns)
            if mtime is None:
                return None
            _, address, before, after = self._parts_of(self._access.current())
            data = self._request(before, name, after, mtime, md5, condition, body)
            switch(_NETWORK)
            began = time.monotonic()
            try:
                answer = self._pool.send_whole(address.endpoint, data)
            except ConnectionFault as fault:
                # A kept connection that the peer closed while it was idle: nobody has seen the request.
                return None if fault.untouched else Refused(fault)
            self._meter.sent_and_answered(size, time.monotonic() - began)
        finally:
            switch(outer)
        if isinstance(answer, str):
            return QuickCopy(state, Stored(answer, md5.hex()))
        if 200 <= answer.status < 300:
            return QuickCopy(state, Stored(answer.headers.get("etag", "").strip('"'), md5.hex()))
        error = refusal(answer, name)
        # Which grant was refused is the general way's to know: it asks again with the one that is good now.
        return None if isinstance(error, AccessRefused) else Refused(error)

    def _read(self, where: bytes, size: int) -> tuple[FileStat, bytes, bytes] | None:
        """State, bytes and MD5 of a regular file as large as expected, old enough to be read once, and unchanged."""
        try:
            descriptor = os.open(where, OPEN_FLAGS)
            try:
                found = os.fstat(descriptor)
                if found.st_size != size or not stat.S_ISREG(found.st_mode):
                    return None
                if found.st_mtime_ns >= time.time_ns() - self._racy_ns:
                    return None
                # One byte more than there should be: what was appended meanwhile shows at once.
                body = os.read(descriptor, size + 1)
            finally:
                os.close(descriptor)
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            state = stat_of(found)
            if len(body) != size or stat_of(os.stat(where, follow_symlinks=False)) != state:  # noqa: PTH116 - bytes
                return None
        except OSError:
            return None  # what that means is said where the file is opened again
        return state, body, md5

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
            quote(name, safe="/").encode("ascii"),
            after,
            digest,
            digest,
            content_type(name).encode("ascii"),
            mtime.encode("ascii"),
            _NEW if condition.etag is None else b'\r\nIf-Match: "%b"' % condition.etag.encode("latin-1"),
            len(body),
            body,
        )
