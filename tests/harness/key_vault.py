"""A key vault on loopback: one RSA key with versions, by the protocol that the SDK speaks."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.certificates import Certificates

_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class KeyVault:
    """Serves while the block runs. `fault`, if set, is the status and inner code of every answer."""

    def __init__(self, certificates: Certificates) -> None:
        self.fault: tuple[int, str] | None = None
        self.requests = 0
        self._versions: dict[str, rsa.RSAPrivateKey] = {}
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vault._serve(self, b"")

            def do_POST(self) -> None:
                vault._serve(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.chain_file, certificates.key_file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.rotate()

    @property
    def key_url(self) -> str:
        return f"{self._base}/keys/wrapping"

    @property
    def _base(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def rotate(self) -> None:
        self._versions[secrets.token_hex(16)] = rsa.generate_private_key(65537, 2048)

    def remove(self, key_id: str) -> None:
        del self._versions[key_id.rsplit("/", 1)[1]]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        self.requests += 1
        if not request.headers.get("Authorization"):
            challenge = f'Bearer authorization="https://login.example/{"0" * 8}", resource="https://vault.azure.net"'
            self._answer(request, 401, {}, {"WWW-Authenticate": challenge})
            return
        if self.fault is not None:
            status, inner = self.fault
            error = {"code": "Forbidden", "message": "no", "innererror": {"code": inner}}
            self._answer(request, status, {"error": error})
            return
        parts = request.path.partition("?")[0].strip("/").split("/")
        version = parts[2] if len(parts) > 2 and parts[2] else list(self._versions)[-1]
        key = self._versions.get(version)
        if key is None:
            self._answer(request, 404, {"error": {"code": "KeyNotFound", "message": "no such version"}})
        elif parts[-1] == "unwrapkey":
            plain = key.decrypt(_plain(json.loads(body)["value"]), _OAEP)
            self._answer(request, 200, {"kid": self._key_id(version), "value": _coded(plain)})
        else:
            self._answer(request, 200, {"key": self._public(version, key), "attributes": {"enabled": True}})

    def _public(self, version: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
        numbers = key.public_key().public_numbers()
        operations = ["wrapKey", "unwrapKey"]
        modulus, exponent = numbers.n.to_bytes(256, "big"), numbers.e.to_bytes(3, "big")
        coded = {"n": _coded(modulus), "e": _coded(exponent)}
        return {"kid": self._key_id(version), "kty": "RSA", "key_ops": operations, **coded}

    def _key_id(self, version: str) -> str:
        return f"{self.key_url}/{version}"

    def _answer(
        self, request: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        request.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


def _coded(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def _plain(coded: str) -> bytes:
    return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
