"""Sign-in in front of a functions host that has none, such as the Core Tools: `python -m local sign-in-front`.

It is the same authentication as in our own host, as a small reverse proxy on loopback.
"""

from __future__ import annotations

import httpx
import uvicorn

from local.functions_host import http_exchange
from local.functions_host.easyauth import EasyAuth, SignIn
from local.functions_host.http_exchange import Receive, Request, Response, Scope, Send

_LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "content-length"}


class SignInFront:
    """An ASGI application that authenticates each request and hands it to the host behind."""

    def __init__(self, behind_url: str, sign_in: SignIn) -> None:
        """Forward to `behind_url`, on this machine."""
        self._easy_auth = EasyAuth(sign_in)
        self._behind = httpx.AsyncClient(base_url=behind_url, trust_env=False, timeout=300, follow_redirects=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(http_exchange.read_request(scope), receive)
        except http_exchange.RequestMalformed:
            response = Response(400)
        except http_exchange.HeadersTooLarge:
            response = Response(431)
        except http_exchange.BodyTooLarge:
            response = Response(413)
        except http_exchange.ClientGone:
            return
        await http_exchange.send_response(send, scope["method"], response)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        if request.headers.get("host", "").rpartition(":")[0] not in _LOOPBACK_NAMES:
            return Response(404)
        own_page = self._easy_auth.own_page(request)
        if own_page is not None:
            return own_page
        checked = self._easy_auth.authenticate(request)
        if isinstance(checked, Response):
            return checked
        query = f"?{checked.query_string}" if checked.query_string else ""
        try:
            answer = await self._behind.request(
                checked.method,
                checked.raw_target + query,
                headers={name: value for name, value in checked.headers.items() if name not in _HOP_BY_HOP},
                content=await http_exchange.read_body(receive),
            )
        except httpx.TransportError as fault:
            text = f"The host at {self._behind.base_url} does not answer: {fault}"
            return Response(502, text.encode(), [("content-type", "text/plain; charset=utf-8")])
        dropped = _HOP_BY_HOP | {"content-encoding", "date", "server"}  # httpx has decoded the content
        kept = [(name, value) for name, value in answer.headers.multi_items() if name not in dropped]
        return Response(answer.status_code, answer.content, kept)


def serve(behind_url: str, port: int, sign_in: SignIn) -> None:
    """Serve on 127.0.0.1 until interrupted."""
    uvicorn.run(
        SignInFront(behind_url, sign_in),
        host="127.0.0.1",
        port=port,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
