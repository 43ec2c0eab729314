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
from migrate_agent.transfer.quick_put import MOST_BYTES, QuickCopy, QuickFile, QuickPut, Refused
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
                piece = self.far.recv(65536)
                if not piece:
                    self.far.close()
                    return
                self.received += piece
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


def put(way: QuickPut, *files: QuickFile) -> list[QuickCopy | Refused | None]:
    sending = way.begin(files)
    return [None] * len(files) if sending is None else way.end(sending)


def put_one(way: QuickPut, path: str, size: int, name: str, condition: Condition) -> QuickCopy | Refused | None:
    (done,) = put(way, QuickFile(path, size, name, condition))
    return done


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
    done = put_one(quick(OnePeer(peer), file.parent, access_tier=tier), file.name, 500, name, condition)
    assert isinstance(done, QuickCopy)
    assert done.etag == "0x8D1"

    recorder = Recorder()
    properties = BlobProperties(
        bytes.fromhex(done.md5), content_type(name), metadata_for(1_600_000_000_123_456_789, "job_x.1"), tier
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
    done = put_one(quick(OnePeer(peer), file.parent), file.name, 500, "n", Condition())
    peer.close()
    assert isinstance(done, Refused)
    assert isinstance(done.error, error)
    assert getattr(done.error, "retry_after_seconds", 7) in (7, None)


def test_a_refused_grant_is_asked_about_again_by_who_knows_which_it_was(file):
    peer = Peer(b"HTTP/1.1 403 No\r\nx-ms-error-code: AuthenticationFailed\r\nContent-Length: 0\r\n\r\n")
    assert put_one(quick(OnePeer(peer), file.parent), file.name, 500, "n", Condition()) is None
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
    done = put_one(quick(OnePeer(peer), file.parent), file.name, 500, "n", Condition())
    peer.close()
    assert isinstance(done, QuickCopy)
    assert done.etag == "0x8D1"


def test_a_connection_that_was_closed_while_idle_says_nothing_of_the_file(file):
    peer = Peer(b"")
    peer._thread.join(5)
    assert put_one(quick(OnePeer(peer), file.parent), file.name, 500, "n", Condition()) is None


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
    assert put_one(quick(Nobody(Network()), file.parent, **changes), name, size, "n", Condition()) is None


class SomePeers(ConnectionPool):
    """Each connection leads to the next peer."""

    def __init__(self, *peers: Peer) -> None:
        super().__init__(Network())
        self.peers = list(peers)

    def _dial(self, endpoint: Endpoint):
        from migrate_agent.transfer.connection import Connection

        if not self.peers:
            raise fault_of(ConnectionRefusedError(111, "refused"), endpoint.host)
        return Connection(self.peers.pop(0).near, endpoint.host)


BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


def test_each_of_a_group_gets_what_came_of_its_own_request(tmp_path):
    for number in range(4):
        (tmp_path / str(number)).write_bytes(b"x" * (number + 1))
        os.utime(tmp_path / str(number), ns=(1, 1))
    peers = [Peer(PLAIN, PLAIN), Peer(BUSY), Peer(PLAIN.replace(b"0x8D1", b"0x8D2"))]
    pool = SomePeers(*peers)
    way = quick(pool, tmp_path)
    # The second file is not there, so three requests go out.
    files = [QuickFile(name, size, name, Condition()) for name, size in [("0", 1), ("gone", 1), ("1", 2), ("2", 3)]]
    found = put(way, *files)
    assert [type(one) for one in found] == [QuickCopy, type(None), Refused, QuickCopy]
    assert [one.etag for one in found if isinstance(one, QuickCopy)] == ["0x8D1", "0x8D2"]
    for peer in peers:
        peer.close()


def test_a_connection_is_used_again_and_those_that_there_is_none_for_are_told(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, ns=(1, 1))
    peer = Peer(PLAIN, PLAIN, PLAIN)
    way = quick(SomePeers(peer), tmp_path)
    a, b = (QuickFile(name, 1, name, Condition()) for name in "ab")
    assert isinstance(put(way, a)[0], QuickCopy)
    without, by_the_kept_one = put(way, b, a)
    assert isinstance(without, Refused)
    assert isinstance(without.error, ConnectionFault)
    assert isinstance(by_the_kept_one, QuickCopy)
    assert b"/b?" not in bytes(peer.received)
    peer.close()


def test_an_abort_cuts_off_what_is_on_its_way(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    os.utime(tmp_path / "a", ns=(1, 1))
    peer = Peer(PLAIN)
    pool = SomePeers(peer)
    way = quick(pool, tmp_path)
    pool.abort()
    (done,) = put(way, QuickFile("a", 1, "a", Condition()))
    assert not isinstance(done, QuickCopy)
    peer.close()


def test_a_slow_disk_makes_groups_small(file, monkeypatch):
    way = quick(SomePeers(), file.parent, may_pass=lambda: True)
    assert way.width == 1, "nothing is known of the disk yet"
    for _ in range(40):
        way._set_width(0.0004, 8)
    assert way.width == 16
    for _ in range(40):
        way._set_width(0.008, 8)
    assert way.width == 4


def test_what_was_not_answered_is_neither_counted_nor_timed(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    os.utime(tmp_path / "a", ns=(1, 1))
    meter = Meter()
    way = QuickPut(
        os.fsencode(tmp_path) + b"/",
        SomePeers(),
        ACCESS,
        meter,
        marker="job_x.1",
        access_tier=None,
        racy_ns=0,
        may_pass=lambda: True,
    )
    put(way, QuickFile("gone", 1, "gone", Condition()))
    put(way, QuickFile("a", 1, "a", Condition()))
    assert (meter.requests, meter.sent_bytes, meter.shortest_answer_seconds) == (0, 0, None)
