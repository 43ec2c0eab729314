"""The host as an ASGI application: authentication first, then the host's own paths, then the app's routes."""

from __future__ import annotations

import json
import logging
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from local.functions_host import http_exchange, worker
from local.functions_host.easyauth import EasyAuth
from local.functions_host.function import HTTP_TRIGGER
from local.functions_host.host import Host
from local.functions_host.http_exchange import Receive, Request, Response, Scope, Send

ADMIN_FUNCTIONS = "/admin/functions/"
STATUS_PATH = "/admin/host/status"

logger = logging.getLogger("host.http")


class Application:
    """Serves one Host. `hostnames` are the names that a browser may use for it (see `_misdirected`)."""

    def __init__(self, host: Host, easy_auth: EasyAuth, *, hostnames: frozenset[str], home_page: bool) -> None:
        """`home_page`: answer `/` as the host does unless AzureWebJobsDisableHomepage is true."""
        self._host = host
        self._easy_auth = easy_auth
        self._hostnames = hostnames
        self._home_page = home_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry: the server's start and stop, and each request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(scope, receive)
        except http_exchange.RequestMalformed as fault:
            logger.info("malformed request: %s", fault)
            response = Response(400)
        except http_exchange.HeadersTooLarge:
            response = Response(431, headers=[("connection", "close")])
        except http_exchange.BodyTooLarge:
            response = Response(413, headers=[("connection", "close")])
        except http_exchange.ClientGone:
            return
        await http_exchange.send_response(send, scope["method"], response)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._host.start()
                except Exception as fault:  # noqa: BLE001 - whatever the app raises: the server must be told
                    logger.critical("the app cannot be started: %s", fault)
                    await send({"type": "lifespan.startup.failed", "message": str(fault)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._host.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request = http_exchange.read_request(scope)
        if self._misdirected(request):
            return Response(404, b"This host does not serve that name.", [("content-type", "text/plain")])
        own_page = self._easy_auth.own_page(request)
        if own_page is not None:
            return own_page
        checked = self._easy_auth.authenticate(request)
        if isinstance(checked, Response):
            return checked
        if checked.path.lower() == "/admin" or checked.path.lower().startswith("/admin/"):
            return await self._admin(checked, receive)
        if checked.path == "/" and self._home_page:
            return Response(200, b"Your Functions app is up and running.", [("content-type", "text/plain")])
        return await self._function(checked, receive)

    def _misdirected(self, request: Request) -> bool:
        """A name that is not ours, as the platform's front end sees it.

        It matters here too: the local host signs a browser in without asking, so a foreign page whose
        name was made to point at this machine must not be served.
        """
        try:
            name = urlsplit(f"//{request.headers.get('host', '')}").hostname
        except ValueError:
            return True
        return name not in self._hostnames

    async def _function(self, request: Request, receive: Receive) -> Response:
        match = self._host.routes.match(request.method, request.path)
        if match is None:
            return Response(404)
        function, params = match
        body = await http_exchange.read_body(receive)
        try:
            returned = await self._host.invoke(function, http_exchange.trigger_input(request, params, body), {})
        except worker.InvocationFailed as fault:
            # By its name and not by its path, which can hold the token of a signed link.
            logger.error("%s (%s) failed\n%s", function.name, request.method, fault)
            return Response(500)
        return http_exchange.response_from(returned)

    async def _admin(self, request: Request, receive: Receive) -> Response:
        """`/admin/host/status`, and `POST /admin/functions/<name>` to run a timer or queue function now.

        Only for callers on this machine. The content type keeps web pages of other sites out: a browser
        asks before it sends JSON across origins, and nobody answers.
        """
        if not ip_address(request.peer[0]).is_loopback:
            return Response(403)
        if request.path.lower() == STATUS_PATH and request.method == "GET":
            return _json(200, {"state": "Running" if self._host.running else "Starting"})
        if not request.path.lower().startswith(ADMIN_FUNCTIONS) or request.method != "POST":
            return Response(404)
        function = self._host.function(request.path[len(ADMIN_FUNCTIONS) :])
        if function is None or function.kind == HTTP_TRIGGER:
            return Response(404)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Response(415)
        try:
            text = _input_text(await http_exchange.read_body(receive))
        except ValueError:
            return Response(400)
        if request.query.get("wait", "").lower() != "true":
            self._host.start_by_hand(function, text)
            return Response(202)
        try:
            await self._host.invoke_by_hand(function, text)
        except worker.InvocationFailed as fault:
            return _json(500, {"error": str(fault)})
        return _json(200, {"function": function.name})


def _input_text(body: bytes) -> str:
    """The `input` of a call by hand: text as it is, anything else as JSON. Raises ValueError."""
    document = json.loads(body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body is not an object")
    value = document.get("input", "")
    return value if isinstance(value, str) else json.dumps(value)


def _json(status: int, document: dict[str, Any]) -> Response:
    return Response(status, json.dumps(document).encode(), [("content-type", "application/json")])
