"""The quick way of a small file: it says the very same as the general way, and leaves alone what is not as usual."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from migrate_agent.network import Network
from migrate_agent.transfer.access import SasUrlAccess
from migrate_agent.transfer.blob_answers import ConditionFailed, ServiceBusy
from migrate_agent.transfer.blob_http import BlobClient, BlobProperties, Condition
from migrate_agent.transfer.connection import Answer, ConnectionFault, Endpoint, Request, fault_of
from migrate_agent.transfer.content_type import content_type
from migrate_agent.transfer.meter import Meter
from migrate_agent.transfer.pool import ConnectionPool
from migrate_agent.transfer.quick_put import MOST_BYTES, QuickCopy, QuickPut, Refused
from migrate_agent.transfer.target_blob import metadata_for

PLAIN = b'HTTP/1.1 201 Created\r\nETag: "0x8D1"\r\nContent-Length: 0\r\nx-ms-version: 2021-12-02\r\n\r\n'


class Peer:
    """One end of a socket pair: keeps what it gets, and answers each request as it was told."""

    def __init__(self, *answers: bytes) -> None:
        self.near, self.far = socket.socketpair()
        self.near.settimeout(5)
        self.received = bytearray()
        self._answers = answers
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self._answers:
            if not answer:
                break
            whole = len(self.received)
            while b"\r\n\r\n" not in self.received[whole:]:
                self.received += self.far.recv(65536)
            head, _, body = bytes(self.received[whole:]).partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(body) < length:
                piece = self.far.recv(65536)
                self.received += piece
                body += piece
            self.far.sendall(answer)
        self.far.close()

    def close(self) -> None:
        self.near.close()
        self._thread.join(5)


class OnePeer(ConnectionPool):
    """A pool whose every connection leads to one peer."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(Network())
        self._peer = peer

    def _dial(self, endpoint: Endpoint):
        from migrate_agent.transfer.connection import Connection

        return Connection(self._peer.near, endpoint.host)


class Recorder:
    """An Exchange that keeps the request of the general way."""

    def __init__(self) -> None:
        self.request: Request | None = None

    def exchange(self, endpoint: Endpoint, request: Request) -> Answer:
        self.request = request
        return Answer(201, {"etag": '"0x1"'}, b"")


ACCESS = SasUrlAccess("http://127.0.0.1:1/account/container?sv=1&sig=abc%2B")


def quick(pool: ConnectionPool, root: Path, **changes: object) -> QuickPut:
    settings = {"marker": "job_x.1", "access_tier": None, "racy_ns": 0, "may_pass": lambda: True} | changes
    return QuickPut(os.fsencode(root) + b"/", pool, ACCESS, Meter(), **settings)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Ünï & co %.txt"
    path.write_bytes(b"0123456789" * 50)
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    return path


def lines(request: bytes) -> tuple[bytes, set[bytes], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    return first, {field.lower() for field in fields}, body


@pytest.mark.parametrize("condition", [Condition(), Condition("0x8D0")], ids=["new", "over-our-own"])
@pytest.mark.parametrize("tier", [None, "Cool"])
def test_it_sends_what_the_general_way_sends(file, condition, tier):
    peer = Peer(PLAIN)
    name = "a/b/" + file.name
    done = quick(OnePeer(peer), file.parent, access_tier=tier).put(file.name, 500, name, condition)
    assert isinstance(done, QuickCopy)
    assert done.stored.etag == "0x8D1"

    recorder = Recorder()
    properties = BlobProperties(
        bytes.fromhex(done.stored.md5), content_type(name), metadata_for(1_600_000_000_123_456_789, "job_x.1"), tier
    )
    BlobClient(recorder).put_blob(
        ACCESS.current(),
        name,
        file.read_bytes(),
        properties,
        condition,
        pace=None,  # type: ignore[arg-type]
    )
    assert recorder.request is not None
    general = recorder.request.head + bytes(recorder.request.body)
    peer.close()
    assert lines(bytes(peer.received)) == lines(general)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", ServiceBusy),
        (b"HTTP/1.1 409 Conflict\r\nx-ms-error-code: BlobAlreadyExists\r\nContent-Length: 0\r\n\r\n", ConditionFailed),
        (b"HTTP/1.1 201 Cre", ConnectionFault),
    ],
)
def test_what_came_of_a_request_is_handed_on(file, answer, error):
    peer = Peer(answer)
    done = quick(OnePeer(peer), file.parent).put(file.name, 500, "n", Condition())
    peer.close()
    assert isinstance(done, Refused)
    assert isinstance(done.error, error)
    assert getattr(done.error, "retry_after_seconds", 7) in (7, None)


def test_a_refused_grant_is_asked_about_again_by_who_knows_which_it_was(file):
    peer = Peer(b"HTTP/1.1 403 No\r\nx-ms-error-code: AuthenticationFailed\r\nContent-Length: 0\r\n\r\n")
    assert quick(OnePeer(peer), file.parent).put(file.name, 500, "n", Condition()) is None
    peer.close()


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nETag: "0x8D1"\r\n\r\n0\r\n\r\n',
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: "0x8D1"\r\n\r\n',
        b'HTTP/1.1 201 Created\r\nContent-Length: 2\r\nETag: "0x8D1"\r\n\r\nok',
        b'HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\nETag: "0x8D1"\r\n\r\n',
    ],
    ids=["chunked", "100-continue", "with-body", "close"],
)
def test_every_form_of_a_201_is_one(file, answer):
    peer = Peer(answer)
    done = quick(OnePeer(peer), file.parent).put(file.name, 500, "n", Condition())
    peer.close()
    assert isinstance(done, QuickCopy)
    assert done.stored.etag == "0x8D1"


def test_a_connection_that_was_closed_while_idle_says_nothing_of_the_file(file):
    peer = Peer(b"")
    peer._thread.join(5)
    assert quick(OnePeer(peer), file.parent).put(file.name, 500, "n", Condition()) is None


@pytest.mark.parametrize("case", ["grown", "shrunk", "gone", "link", "folder", "young", "limited", "large"])
def test_what_is_not_as_usual_is_left_to_the_general_way(file, case):
    def refuse() -> None:
        raise AssertionError("nothing may be sent")

    class Nobody(ConnectionPool):
        def _dial(self, endpoint: Endpoint):
            refuse()
            raise fault_of(OSError(), "h")

    changes: dict[str, object] = {}
    name, size = file.name, 500
    if case == "grown":
        file.write_bytes(b"x" * 501)
    elif case == "shrunk":
        file.write_bytes(b"x" * 499)
    elif case == "gone":
        file.unlink()
    elif case == "link":
        name = "link"
        (file.parent / name).symlink_to(file)
    elif case == "folder":
        name = "folder"
        (file.parent / name).mkdir()
        size = (file.parent / name).stat().st_size
    elif case == "young":
        changes = {"racy_ns": 2**62}
    elif case == "limited":
        changes = {"may_pass": lambda: False}
    else:
        size = MOST_BYTES + 1
        file.write_bytes(b"x" * size)
        os.utime(file, ns=(1, 1))
    assert quick(Nobody(Network()), file.parent, **changes).put(name, size, "n", Condition()) is None
