"""The sign-in front: the host behind sees who called, and only what the front vouches for."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import uvicorn

from local.functions_host.easyauth import SignIn
from local.functions_host.principal import LocalOperator
from local.ports import free_ports
from local.sign_in_front import SignInFront
from tests.harness.conditions import eventually

ANNA = LocalOperator("tenant", "anna", "Anna", "anna@one.test", "credential-of-anna")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = {"path": self.path, "body": body.decode(), "headers": {k.lower(): v for k, v in self.headers.items()}}
        self.send_response(201)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(json.dumps(seen).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Quiet."""


@contextmanager
def serving(behind_url: str) -> Iterator[str]:
    (port,) = free_ports(1)
    front = SignInFront(behind_url, SignIn("audience", b"k" * 32, (ANNA,)))
    server = uvicorn.Server(uvicorn.Config(front, port=port, lifespan="off", log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, seconds=10, what="a front that serves")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def test_requests_reach_the_host_behind_with_the_caller_they_have():
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=behind.serve_forever).start()
    try:
        with (
            serving(f"http://127.0.0.1:{behind.server_port}") as url,
            httpx.Client(base_url=url, trust_env=False) as http,
        ):
            answer = http.post("/a%20b?c=1&c=2", content=b"body", headers={"X-MS-CLIENT-PRINCIPAL": "forged"})
            assert answer.status_code == 201
            assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
            assert answer.json()["path"] == "/a%20b?c=1&c=2"
            assert answer.json()["body"] == "body"
            assert "x-ms-client-principal" not in answer.json()["headers"]

            signed_in = http.post("/", headers={"Authorization": "Bearer credential-of-anna"}).json()["headers"]
            claims = json.loads(base64.b64decode(signed_in["x-ms-client-principal"]))["claims"]
            assert {"typ": "name", "val": "Anna"} in claims
            assert http.post("/", headers={"Authorization": "Bearer wrong"}).status_code == 401
            assert http.post("/", headers={"Host": "evil.example:80"}).status_code == 404
    finally:
        behind.shutdown()
        behind.server_close()


def test_a_host_that_is_not_there_is_said_so():
    (nobody,) = free_ports(1)
    with serving(f"http://127.0.0.1:{nobody}") as url:
        answer = httpx.post(url, trust_env=False)
        assert answer.status_code == 502
        assert "does not answer" in answer.text
