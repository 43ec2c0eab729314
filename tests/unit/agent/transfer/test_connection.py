"""The HTTP connection over a socket pair: every form of answer, and every way to lose one."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from migrate_agent.transfer.connection import Connection, ConnectionFault, Request, fault_of
from migrate_contract.errors import ErrorCode

GET = Request("GET", b"GET / HTTP/1.1\r\n\r\n")


def exchange(answer: bytes, request: Request = GET, *, hang_up: bool = True):
    """Result: the answer and the connection, with a peer that says `answer` whatever it is asked."""
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    connection = Connection(ours, "host")
    theirs.sendall(answer)
    if hang_up:
        theirs.shutdown(socket.SHUT_WR)
    try:
        return connection.exchange(request), connection
    finally:
        theirs.close()


def test_a_counted_answer_leaves_the_connection_usable():
    answer, connection = exchange(b'HTTP/1.1 201 Created\r\nETag: "x"\r\nContent-Length: 3\r\n\r\nabc', hang_up=False)
    assert (answer.status, answer.headers["etag"], answer.body) == (201, '"x"', b"abc")
    assert connection.reusable


def test_interim_answers_are_skipped():
    answer, _ = exchange(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    )
    assert (answer.status, answer.headers) == (200, {"content-length": "0"})


def test_chunks_with_extensions_and_trailers():
    answer, connection = exchange(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
    )
    assert answer.body == b"abcde"
    assert connection.reusable


def test_an_answer_until_close():
    answer, connection = exchange(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    assert answer.body == b"all of it"
    assert not connection.reusable


@pytest.mark.parametrize("line", [b"Connection: close\r\n", b"connection: Close\r\n"])
def test_a_closing_answer(line):
    answer, connection = exchange(b"HTTP/1.1 200 OK\r\n" + line + b"Content-Length: 1\r\n\r\nx")
    assert answer.body == b"x"
    assert not connection.reusable


def test_http_1_0_closes():
    assert not exchange(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")[1].reusable


def test_head_and_204_have_no_body():
    head = Request("HEAD", b"HEAD / HTTP/1.1\r\n\r\n")
    assert exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", head)[0].body == b""
    assert exchange(b"HTTP/1.1 204 No Content\r\n\r\n")[0].body == b""


def test_a_sink_takes_a_success_and_not_an_error():
    pieces: list[bytes] = []
    request = Request("GET", b"GET / HTTP/1.1\r\n\r\n", sink=pieces.append)
    assert exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndata", request)[0].body == b""
    assert b"".join(pieces) == b"data"
    assert exchange(b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone", request)[0].body == b"none"


@pytest.mark.parametrize(
    ("sent", "untouched"),
    [
        (b"", True),
        (b"HTTP/1.1 200", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False),
        (b"SSH-2.0-OpenSSH\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", False),
    ],
)
def test_half_answers_are_faults(sent, untouched):
    with pytest.raises(ConnectionFault) as raised:
        exchange(sent)
    assert raised.value.untouched is untouched
    assert raised.value.code is ErrorCode.TARGET_UNREACHABLE
    assert raised.value.host == "host"


def test_a_large_body_is_sent_in_slices_that_the_pace_hears_of():
    class Pace:
        slice_bytes = 1000

        def __init__(self) -> None:
            self.slices: list[int] = []

        def before_sending(self, size_bytes: int) -> None:
            self.slices.append(size_bytes)

    pace, received = Pace(), bytearray()
    ours, theirs = socket.socketpair()

    def serve() -> None:
        while len(received) < 2500 + len(GET.head):
            received.extend(theirs.recv(65536))
        theirs.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    peer = threading.Thread(target=serve)
    peer.start()
    Connection(ours, "host").exchange(Request("PUT", GET.head, b"x" * 2500, pace))
    peer.join()
    assert pace.slices == [1000, 1000, 500]
    assert bytes(received) == GET.head + b"x" * 2500


def test_an_early_answer_is_heard_although_the_peer_stopped_reading():
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.sendall(b"HTTP/1.1 403 Forbidden\r\nx-ms-error-code: AuthenticationFailed\r\nContent-Length: 0\r\n\r\n")
    theirs.shutdown(socket.SHUT_RD)
    answer = Connection(ours, "host").exchange(Request("PUT", GET.head, b"x" * 5_000_000))
    assert answer.status == 403
    theirs.close()


def test_a_pace_that_raises_leaves_no_usable_connection():
    class Cut(Exception):
        pass

    class Pace:
        slice_bytes = 10

        def before_sending(self, _: int) -> None:
            raise Cut

    ours, theirs = socket.socketpair()
    connection = Connection(ours, "host")
    with pytest.raises(Cut):
        connection.exchange(Request("PUT", GET.head, b"x" * 100, Pace()))
    assert not connection.reusable
    theirs.close()


def test_abort_wakes_a_blocked_exchange():
    ours, theirs = socket.socketpair()
    connection = Connection(ours, "host")
    threading.Timer(0.05, connection.abort).start()
    with pytest.raises(ConnectionFault):
        connection.exchange(GET)
    theirs.close()


def test_a_signature_is_in_no_repr():
    request = Request("PUT", b"PUT /c/b?sig=secret HTTP/1.1\r\n\r\n", b"content")
    assert "secret" not in repr(request)
    assert "content" not in repr(request)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (socket.gaierror(-2, "x"), ErrorCode.TARGET_UNREACHABLE, "resolved"),
        (TimeoutError(), ErrorCode.TARGET_UNREACHABLE, "in time"),
        (ConnectionRefusedError(), ErrorCode.TARGET_UNREACHABLE, "refused"),
        (OSError(113, "x"), ErrorCode.TARGET_UNREACHABLE, "route"),
        (ssl.SSLCertVerificationError(1, "x"), ErrorCode.TLS_NOT_TRUSTED, "not trusted"),
        (ssl.SSLError(1, "x"), ErrorCode.TARGET_UNREACHABLE, "TLS"),
        (BrokenPipeError(), ErrorCode.TARGET_UNREACHABLE, "broke"),
    ],
)
def test_faults_by_type(error, code, words):
    fault = fault_of(error, "h")
    assert fault.code is code
    assert words in fault.reason
