"""HTTP to Mission: addresses, kept connections, and every way to lose an answer; what an answer means."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from migrate_agent.network import Network
from migrate_agent.rockrms.mission.adapter import HttpMission, shown_url
from migrate_agent.rockrms.mission.port import BatchFailed, BatchRefused
from migrate_agent.rockrms.mission.transport import Transport, address_of
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable
from migrate_contract.rockrms import Entity, MissionAccess
from tests.harness.mission_records import ENVELOPE, bodies, person

KEY = "mk_of_this_test_alone"
QUICK = Network(connect_timeout_seconds=5, stall_timeout_seconds=5)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://mission.example", "mission.example", 443, ""),
        (" https://Mission.Example:8443/church/ ", "mission.example", 8443, "/church"),
        ("http://localhost:9", "localhost", 9, ""),
        ("http://127.0.0.1", "127.0.0.1", 80, ""),
        ("http://[::1]:8", "::1", 8, ""),
    ],
)
def test_addresses_that_are_taken(url: str, host: str, port: int, path: str) -> None:
    found = address_of(url)
    assert (found.host, found.port, found.path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mission.example",
        "ftp://mission.example",
        "http://mission.example",
        "http://10.0.0.1",
        "https://user:secret@mission.example",
        "https://mission.example/?key=secret",
        "https://mission.example:port",
        "https://mission.example/a b",
    ],
)
def test_addresses_that_are_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(Fatal) as refusal:
        address_of(url)
    assert refusal.value.code is ErrorCode.MISSION_URL_REFUSED
    assert "secret" not in str(refusal.value)


def test_an_address_is_shown_with_its_port_where_it_is_unusual() -> None:
    assert shown_url("https://mission.example/church/") == "https://mission.example/church"
    assert shown_url("https://mission.example:8443") == "https://mission.example:8443"


@contextmanager
def peer(*turns: Callable[[socket.socket], bool]) -> Iterator[str]:
    """A server on a real socket; each connection takes turns until one says that it is over (False)."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = list(turns)

    def serve() -> None:
        while left:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while left and left.pop(0)(connection):
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(5)


def says(answer: bytes, *, goes_on: bool = False) -> Callable[[socket.socket], bool]:
    """Reads a request and answers so."""

    def turn(connection: socket.socket) -> bool:
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        connection.sendall(answer)
        return goes_on

    return turn


def hangs_up(connection: socket.socket) -> bool:
    """Ends the connection."""
    return False


def http(status: str, body: bytes = b"{}", *headers: bytes) -> bytes:
    """A whole answer."""
    lines = [b"HTTP/1.1 " + status.encode(), b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_a_connection_is_kept_and_replaced_once_where_the_peer_closed_it() -> None:
    with peer(says(http("200 OK", b"1"), goes_on=True), hangs_up, says(http("200 OK", b"2"))) as url:
        transport = Transport(address_of(url), QUICK)
        assert transport.exchange("GET", "/", {}).body == b"1"
        assert transport.exchange("GET", "/", {}).body == b"2"
        transport.close()
        with pytest.raises(Retryable):
            transport.exchange("GET", "/", {})


def raised(answer: bytes | None) -> MigrateError:
    """What a batch raises where Mission answers so (None: hangs up)."""
    with peer(says(answer) if answer is not None else hangs_up) as url:
        client = HttpMission(MissionAccess(url=url, integration_key=KEY), QUICK)
        try:
            with pytest.raises(MigrateError) as fault:
                client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "key")
        finally:
            client.close()
    assert KEY not in str(fault.value)
    assert KEY not in repr(client)
    return fault.value


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (None, Retryable, ErrorCode.MISSION_UNREACHABLE),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Retryable, ErrorCode.MISSION_UNREACHABLE),
        (http("429 Slow down"), Retryable, ErrorCode.MISSION_BUSY),
        (http("503 Busy", b"<html>"), Retryable, ErrorCode.MISSION_BUSY),
        (http("500 Broken", b"<html>"), BatchFailed, ErrorCode.MISSION_BUSY),
        (http("200 OK", b"<html>"), Retryable, ErrorCode.MISSION_ANSWER_UNREADABLE),
        (http("200 OK", b'{"results":[],"request_id":"r"}'), Retryable, ErrorCode.MISSION_ANSWER_UNREADABLE),
        (http("401 No"), Fatal, ErrorCode.MISSION_KEY_REVOKED),
        (http("403 No", b"<html>"), Fatal, ErrorCode.MISSION_KEY_REVOKED),
        (http("404 Not here", b"<html>"), Fatal, ErrorCode.MISSION_NOT_FOUND),
        (http("302 Elsewhere", b"", b"Location: https://other.example/"), Fatal, ErrorCode.MISSION_NOT_FOUND),
        (http("422 Unprocessable", b'{"code":"x"}'), BatchRefused, ErrorCode.MISSION_BATCH_REFUSED),
        (http("400 Bad", b"not json"), BatchRefused, ErrorCode.MISSION_BATCH_REFUSED),
    ],
)
def test_what_an_answer_to_a_batch_means(answer: bytes | None, kind: type[MigrateError], code: ErrorCode) -> None:
    fault = raised(answer)
    assert isinstance(fault, kind)
    assert fault.code is code


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("999999", 3600.0),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert raised(http("503 Busy", b"", b"Retry-After: " + text.encode())).retry_after_seconds == seconds


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = HttpMission(MissionAccess(url=f"http://127.0.0.1:{port}", integration_key=KEY), QUICK)
    with pytest.raises(Retryable) as fault:
        client.status()
    assert str(fault.value.detail) == f"127.0.0.1:{port}: the connection was refused"


def test_a_key_with_a_line_break_is_not_sent() -> None:
    with pytest.raises(Fatal):
        HttpMission(MissionAccess(url="https://mission.example", integration_key="a\r\nX-Other: 1"), QUICK)


def test_closing_ends_a_wait_for_an_answer() -> None:
    waits = threading.Event()

    def silent(connection: socket.socket) -> bool:
        connection.recv(65536)
        waits.set()
        connection.recv(65536)
        return False

    with peer(silent) as url:
        client = HttpMission(MissionAccess(url=url, integration_key=KEY), QUICK)

        def close() -> None:
            assert waits.wait(5)
            client.close()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.raises(Retryable):
            client.status()
        closer.join(5)
