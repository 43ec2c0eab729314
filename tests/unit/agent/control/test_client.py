"""The control client over a real socket: what it sends, and what it makes of every kind of answer."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from migrate_agent.control.answers import Refused, RefusedForNow, Unreachable
from migrate_agent.control.client import ControlClient
from migrate_agent.control.session import Session
from migrate_agent.identity import Credentials, KeyRing
from migrate_agent.network import Network
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.jobs import JobPhase, Progress
from tests.harness.fake_control_plane import FakeControlPlane

JOB = "job_000000000000000000000001"
REPORT = Progress(attempt=1, sequence=1, phase=JobPhase.RUNNING)


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with FakeControlPlane() as running:
        running.keys.append("acme.agt_000000000001.a-secret-of-this-agent")
        yield running


def client_of(url: str, tmp_path: Path, key: str = "acme.agt_000000000001.a-secret-of-this-agent") -> ControlClient:
    session = Session()
    session.opened(1)
    keys = KeyRing(Credentials(agent_key=key), tmp_path)
    return ControlClient(
        url, context=Network().tls_context(), proxy=None, keys=keys, session=session, answer_seconds=1.0
    )


def test_each_request_has_a_correlation_id_of_its_own(plane: FakeControlPlane, tmp_path: Path) -> None:
    client = client_of(plane.url, tmp_path)
    client.post_progress(JOB, REPORT)
    client.post_progress(JOB, REPORT)
    assert len(set(plane.correlation_ids)) == 2
    assert all(len(found) == 16 for found in plane.correlation_ids)


def test_a_problem_keeps_the_servers_words(plane: FakeControlPlane, tmp_path: Path) -> None:
    plane.refuse("progress", ErrorCode.REQUEST_INVALID, "sequence is missing")
    with pytest.raises(Refused) as caught:
        client_of(plane.url, tmp_path).post_progress(JOB, REPORT)
    assert caught.value.code is ErrorCode.REQUEST_INVALID
    assert "sequence is missing" in caught.value.detail
    assert "test-correlation" in caught.value.detail
    assert caught.value.fix == caught.value.problem.fix


def test_a_retryable_problem_says_so(plane: FakeControlPlane, tmp_path: Path) -> None:
    plane.refuse("progress", ErrorCode.STORAGE_UNAVAILABLE)
    with pytest.raises(RefusedForNow):
        client_of(plane.url, tmp_path).post_progress(JOB, REPORT)


def test_a_refused_process_ends_the_session_for_every_call(plane: FakeControlPlane, tmp_path: Path) -> None:
    plane.refuse("progress", ErrorCode.AGENT_CLONED)
    client = client_of(plane.url, tmp_path)
    with pytest.raises(Refused):
        client.post_progress(JOB, REPORT)
    calls = len(plane.calls)
    with pytest.raises(Refused) as caught:
        client.request_grant(JOB, 1)
    assert caught.value.code is ErrorCode.AGENT_CLONED
    assert len(plane.calls) == calls, "nothing is sent after the end"


def test_no_call_of_a_session_is_sent_before_there_is_one(plane: FakeControlPlane, tmp_path: Path) -> None:
    keys = KeyRing(Credentials(agent_key=plane.keys[0]), tmp_path)
    client = ControlClient(plane.url, context=Network().tls_context(), proxy=None, keys=keys, session=Session())
    with pytest.raises(Unreachable):
        client.post_progress(JOB, REPORT)
    assert plane.calls == []


def test_a_refused_connection_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        client_of(f"http://127.0.0.1:{port}", tmp_path).post_progress(JOB, REPORT)
    assert "refused the connection" in caught.value.detail
    assert not caught.value.local


def test_a_name_that_does_not_resolve_is_a_local_fault(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        client_of("https://control-plane.invalid", tmp_path).post_progress(JOB, REPORT)
    assert caught.value.local


def test_a_lost_answer_is_unreachable(plane: FakeControlPlane, tmp_path: Path) -> None:
    plane.lose("progress")
    with pytest.raises(Unreachable):
        client_of(plane.url, tmp_path).post_progress(JOB, REPORT)


class Canned(BaseHTTPRequestHandler):
    """Something in between that answers instead of the control plane."""

    status, content, headers_sent = 502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        for name, value in (self.headers_sent | {"Content-Length": str(len(self.content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: Any) -> None:
        pass


def canned(status: int, content: bytes = b"<html>", **headers: str) -> type[Canned]:
    return type("Answer", (Canned,), {"status": status, "content": content, "headers_sent": headers})


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[HTTPServer] = []

    def begin(handler: type[Canned], context: ssl.SSLContext | None = None) -> int:
        server = HTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return int(server.server_address[1])

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [302, 401, 403, 404, 502])
def test_a_page_of_something_in_between_is_not_the_control_planes_word(serve: Any, tmp_path: Path, status: int) -> None:
    port = serve(canned(status, Location="/login"))
    with pytest.raises(Unreachable) as caught:
        client_of(f"http://127.0.0.1:{port}", tmp_path).post_progress(JOB, REPORT)
    assert str(status) in caught.value.detail


def test_retry_after_is_taken_over(serve: Any, tmp_path: Path) -> None:
    port = serve(canned(503, b"busy", **{"Retry-After": "17"}))
    with pytest.raises(Unreachable) as caught:
        client_of(f"http://127.0.0.1:{port}", tmp_path).post_progress(JOB, REPORT)
    assert caught.value.retry_after_seconds == 17


def test_an_answer_that_is_not_as_agreed_is_unreachable(serve: Any, tmp_path: Path) -> None:
    port = serve(canned(200, b'{"state": "dancing"}'))
    with pytest.raises(Unreachable) as caught:
        client_of(f"http://127.0.0.1:{port}", tmp_path).post_progress(JOB, REPORT)
    assert "applied" in caught.value.detail


def test_a_certificate_that_is_not_trusted_is_named_and_an_own_bundle_helps(serve: Any, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    port = serve(canned(200, b'{"applied": true, "state": "running"}'), context)
    url = f"https://127.0.0.1:{port}"
    with pytest.raises(Fatal) as caught:
        client_of(url, tmp_path).post_progress(JOB, REPORT)
    assert caught.value.code is ErrorCode.TLS_NOT_TRUSTED
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    trusting = ControlClient(
        url,
        context=Network(ca_file=bundle).tls_context(),
        proxy=None,
        keys=KeyRing(Credentials(agent_key="acme.agt_000000000001.a-secret"), tmp_path),
        session=_opened(),
    )
    assert trusting.post_progress(JOB, REPORT).applied


def _opened() -> Session:
    session = Session()
    session.opened(1)
    return session


def test_a_proxy_that_wants_a_sign_in_is_named(tmp_path: Path, serve: Any) -> None:
    class Proxy(Canned):
        def do_CONNECT(self) -> None:
            self.send_response(407)
            self.send_header("Content-Length", "0")
            self.end_headers()

    port = serve(Proxy)
    client = ControlClient(
        "https://control-plane.example",
        context=Network().tls_context(),
        proxy=f"http://127.0.0.1:{port}",
        keys=KeyRing(Credentials(agent_key="acme.agt_000000000001.a-secret"), tmp_path),
        session=_opened(),
    )
    with pytest.raises(Fatal) as caught:
        client.post_progress(JOB, REPORT)
    assert caught.value.code is ErrorCode.PROXY_REFUSED
    assert "control-plane.example" in caught.value.detail
