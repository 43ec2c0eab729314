"""One HTTP request in the host's terms: read from ASGI, handed to a function, answered to ASGI."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from local.functions_host import worker

MAX_BODY_BYTES = 100 * 1024 * 1024
"""The platform's limit for one request (https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits)."""

MAX_HEADER_BYTES = 32 * 1024
"""Kestrel's limit for all headers of a request."""

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ENCODED_SLASH = re.compile(rb"%(2[fF])")
_HEADER_UNFIT = re.compile(r"[\r\n\x00]")
logger = logging.getLogger("host.http")


class RequestMalformed(Exception):
    """The request cannot be understood before any function sees it: answered 400 by the platform."""


class BodyTooLarge(Exception):
    """The body is over the platform's limit: answered 413."""


class HeadersTooLarge(Exception):
    """The headers are over the server's limit: answered 431."""


class ClientGone(Exception):
    """The client went away while its body was being read; there is nobody to answer."""


@dataclass(frozen=True)
class Request:
    """A request as the functions host sees it; header names are in lower case."""

    method: str
    scheme: str
    path: str
    raw_target: str
    query_string: str
    headers: Mapping[str, str]
    peer: tuple[str, int]

    @property
    def url(self) -> str:
        """The absolute address that the function is told."""
        query = f"?{self.query_string}" if self.query_string else ""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}{self.raw_target}{query}"

    @property
    def query(self) -> dict[str, str]:
        """Query values: repeated names joined by commas, empty values dropped, as the host does."""
        values: dict[str, str] = {}
        for name, value in parse_qsl(self.query_string, keep_blank_values=True):
            values[name] = f"{values[name]},{value}" if name in values else value
        return {name: value for name, value in values.items() if value}

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """The same request with other headers."""
        return Request(self.method, self.scheme, self.path, self.raw_target, self.query_string, headers, self.peer)


@dataclass(frozen=True)
class Response:
    """What goes back to the client; `headers` may repeat a name."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


def read_request(scope: Scope) -> Request:
    """The request without its body; raises RequestMalformed or HeadersTooLarge."""
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        raise HeadersTooLarge
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    try:
        # The server decodes everything in a path but the slash.
        path = unquote_to_bytes(_ENCODED_SLASH.sub(rb"%25\1", raw_path)).decode("utf-8")
        headers = _joined([(name.decode("ascii"), value.decode("utf-8")) for name, value in scope["headers"]])
        target, query_string = raw_path.decode("ascii"), scope["query_string"].decode("ascii")
    except UnicodeDecodeError as fault:
        raise RequestMalformed(str(fault)) from fault
    if "\x00" in path or not path.startswith("/"):
        raise RequestMalformed("the path holds a null character or does not begin with a slash")
    peer = tuple(scope["client"]) if scope.get("client") else ("127.0.0.1", 0)
    return Request(scope["method"], scope["scheme"], path, target, query_string, headers, (peer[0], peer[1]))


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        separator = "; " if key == "cookie" else ","
        headers[key] = f"{headers[key]}{separator}{value}" if key in headers else value
    return headers


async def read_body(receive: Receive, limit_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The whole body; raises BodyTooLarge or ClientGone."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def send_response(send: Send, request_method: str, response: Response) -> None:
    """Answer; a HEAD request gets the headers of the whole and no body."""
    has_body = response.status not in {204, 304} and response.status >= 200
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if has_body:
        headers.append((b"content-length", str(len(response.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = response.body if has_body and request_method != "HEAD" else b""
    await send({"type": "http.response.body", "body": body})


def response_from(datum: Any) -> Response:
    """The answer that a function returned: a whole response, plain text, or nothing (204)."""
    if datum is None or datum.type is None:
        return Response(204)
    if datum.type != "http":
        value = datum.value.encode("utf-8") if isinstance(datum.value, str) else bytes(datum.value)
        return Response(200, value, [("content-type", "text/plain; charset=utf-8")])
    parts = datum.value
    headers = [
        (name, header.value)
        for name, header in parts["headers"].items()
        if name.lower() not in {"content-length", "transfer-encoding", "connection"}
    ]
    for cookie in parts.get("cookies") or ():
        headers += [("set-cookie", morsel.OutputString()) for morsel in cookie.values()]
    if any(_HEADER_UNFIT.search(name + value) or not _fits_latin1(name + value) for name, value in headers):
        logger.error("the function answered with a header that cannot be sent")
        return Response(500)
    body = parts["body"].value
    return Response(
        int(parts["status_code"].value), body.encode("utf-8") if isinstance(body, str) else bytes(body), headers
    )


def _fits_latin1(value: str) -> bool:
    return all(ord(character) < 256 for character in value)


def trigger_input(request: Request, params: Mapping[str, str], body: bytes) -> Any:
    """The datum that an HTTP function receives."""
    return worker.http_request(request.method, request.url, request.headers, request.query, params, body)
