"""A Mission that keeps nothing, for benchmarks: `python -m local.mission.null PORT [CERTIFICATE KEY]`.

It takes every record as created, remembers funds, and lets nothing be read back (404). Port 0: any; the first line of
its output is the port. It counts, and `GET /counts` tells how many records came.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from collections import Counter

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATH = re.compile(rb"^([A-Z]+) /(?:api/import/)?([a-z-]+)")
_STATUS = orjson.dumps(
    {
        "contract_version": "1",
        "organization": {"name": "Nobody's Church"},
        "limits": {"max_records": 500, "max_bytes": 4 * 1024 * 1024},
    }
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class NullMission:
    """What all connections share."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.funds: dict[str, dict[str, object]] = {}

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Result: the whole answer to one request."""
        found = _PATH.match(head)
        method, name = (found[1], found[2].decode()) if found else (b"", "")
        if method == b"POST" and body and b"/totals" not in head[:200] and b"/lookup" not in head[:200]:
            return _ok(self._taken(name, body))
        if method == b"GET" and name == "status":
            return _ok(_STATUS)
        if method == b"GET" and name == "funds":
            return _ok(orjson.dumps({"funds": list(self.funds.values())}))
        if method == b"GET" and name == "counts" and b"?" not in head[: head.find(b"\r")]:
            return _ok(orjson.dumps(self.counts))
        return _NOT_FOUND

    def _taken(self, name: str, body: bytes) -> bytes:
        records = orjson.loads(body)["records"]
        self.counts[name] += len(records)
        self.counts["batches"] += 1
        if name == "funds":
            self.funds |= {record["external_id"]: record for record in records}
        results = [{"external_id": record["external_id"], "status": "created"} for record in records]
        return orjson.dumps({"results": results, "request_id": f"req_{self.counts['batches']}"})


class _Connection(asyncio.Protocol):
    def __init__(self, mission: NullMission) -> None:
        self._mission = mission
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._awaited = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._answer_one():
            pass

    def _answer_one(self) -> bool:
        if self._awaited < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._head = bytes(self._received[:end])
            del self._received[: end + 4]
            length = _LENGTH.search(self._head)
            self._awaited = int(length[1]) if length else 0
        if len(self._received) < self._awaited:
            return False
        body = bytes(self._received[: self._awaited])
        del self._received[: self._awaited]
        self._awaited = -1
        assert self._transport is not None
        self._transport.write(self._mission.answer(self._head, body))
        return True


def _ok(content: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def serve(port: int, context: ssl.SSLContext | None = None) -> None:
    """Serves on 127.0.0.1 until it is ended."""
    mission = NullMission()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(mission), "127.0.0.1", port, ssl=context
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Reads the command line."""
    port, *files = sys.argv[1:]
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    asyncio.run(serve(int(port), context))


if __name__ == "__main__":
    main()
