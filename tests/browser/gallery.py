"""Serves every sample page over HTTP under the real policy, to be looked at and checked without a running system."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from functions.dashboard.rendering import STATIC
from functions.triggers.edge_answer import CONTENT_SECURITY_POLICY
from tests.unit.functions.dashboard.sample_pages import PAGES


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        name = path.removeprefix("/gallery/")
        if name in PAGES:
            self._send(PAGES[name]().encode(), "text/html; charset=utf-8")
        elif path.startswith("/static/") and ".." not in path and (STATIC / path.removeprefix("/static/")).is_file():
            file = STATIC / path.removeprefix("/static/")
            self._send(file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        else:
            self.send_error(404)

    def _send(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Says nothing: the tests look at the browser's side."""


@contextmanager
def gallery() -> Iterator[str]:
    """Result: the address under which `/gallery/<name>` answers while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
