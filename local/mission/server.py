"""Mission over HTTPS, its control side, and a page that shows what it holds."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

from aiohttp import web

from local.mission.service import MissionService, Reply

_LIMIT = 64 * 1024 * 1024
_HELD_SECONDS = 2.0
"""How long a question after the gate waits for its answer."""


class MissionServer:
    """Both applications of one service (local/loopback_server.py serves them)."""

    def __init__(self, service: MissionService) -> None:
        self._service = service
        self._until_gate: int | None = None
        self._opened = asyncio.Event()
        self._held = asyncio.Event()

    def application(self) -> web.Application:
        """The side that agents know."""
        application = web.Application(client_max_size=_LIMIT)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    def control(self) -> web.Application:
        """The side that tests and people know."""
        application = web.Application(client_max_size=_LIMIT)
        application.router.add_get("/", self._page)
        application.router.add_post("/actions/{action}", self._act)
        application.router.add_post("/gate", self._close_gate)
        application.router.add_get("/gate", self._wait_held)
        application.router.add_delete("/gate", self._open_gate)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        await self._pass_gate(request.method)
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self._service.handle(request.method, request.path_qs, headers, body)
        if reply.delay_seconds:
            await asyncio.sleep(reply.delay_seconds)
        if reply.dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return _response(reply)

    async def _pass_gate(self, method: str) -> None:
        if self._until_gate is None or method != "POST":
            return
        if self._until_gate > 0:
            self._until_gate -= 1
            return
        self._held.set()
        await self._opened.wait()

    async def _close_gate(self, request: web.Request) -> web.Response:
        self._until_gate = int((await request.json())["after"])
        self._opened.clear()
        self._held.clear()
        return web.Response(status=204)

    async def _wait_held(self, _request: web.Request) -> web.Response:
        try:
            await asyncio.wait_for(self._held.wait(), _HELD_SECONDS)
        except TimeoutError:
            return web.json_response({"held": False})
        return web.json_response({"held": True})

    async def _open_gate(self, _request: web.Request) -> web.Response:
        self._until_gate = None
        self._opened.set()
        return web.Response(status=204)

    async def _act(self, request: web.Request) -> web.Response:
        given: dict[str, Any] = await request.json() if request.body_exists else {}
        try:
            found = self._service.control(request.match_info["action"], given)
        except (KeyError, ValueError, TypeError) as fault:
            return web.Response(status=400, text=repr(fault))
        return web.json_response(found)

    async def _page(self, _request: web.Request) -> web.Response:
        counts = self._service.control("counts", {})
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>" for name, count in counts.items())
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self._service.statuses.items()))
        text = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Mission</title>"
            "<style>body{font:16px sans-serif;margin:2em}td{padding:.2em 1em;text-align:right}"
            "td:first-child{text-align:left}</style>"
            f"<h1>{escape(self._service.organization)}</h1><p>What this local Mission holds:</p>"
            f"<table>{rows}</table><p>Requests by answer: {statuses or 'none'}</p></html>"
        )
        return web.Response(text=text, content_type="text/html")


def _response(reply: Reply) -> web.Response:
    headers = {"Retry-After": reply.retry_after} if reply.retry_after else {}
    kind = "text/html" if reply.body.startswith(b"<") else "application/json"
    return web.Response(status=reply.status, body=reply.body, headers=headers, content_type=kind)
