"""The mail service's API: takes mails, and says what became of an operation."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid

from aiohttp import web
from azure.core.exceptions import AzureError

from local.mail.reports import ReportQueue, delivery_event
from local.mail.signature import is_signed
from local.mail.store import MailStore, SendFault, SentMail

_log = logging.getLogger(__name__)


class MailApi:
    """The HTTPS side."""

    def __init__(self, store: MailStore, key: str, url: str, queue: ReportQueue | None) -> None:
        self._store = store
        self._key = key
        self._url = url
        self._queue = queue
        self._reporting: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """Its routes."""
        application = web.Application()
        application.add_routes(
            [web.post("/emails:send", self._send), web.get("/emails/operations/{operation_id}", self._operation)]
        )
        return application

    async def _send(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not self._is_signed(request, body):
            return _refusal(401, "Denied")
        fault = self._store.wishes.next_fault()
        if fault is not None and not fault.sends_anyway:
            return _answer(request, fault)
        operation_id = request.headers.get("operation-id") or str(uuid.uuid4())
        content = json.loads(body)
        if not _is_whole(content):
            return _refusal(400, "RequestBodyInvalid")
        mail = self._store.add(operation_id, content)
        if mail.error is None:
            self._report(mail)
        if fault is not None:
            return _answer(request, fault)
        version = request.query.get("api-version", "")
        return web.json_response(
            {"id": operation_id, "status": "Running", "error": None},
            status=202,
            headers={
                "Operation-Location": f"{self._url}/emails/operations/{operation_id}?api-version={version}",
                "retry-after": "30",
            },
        )

    async def _operation(self, request: web.Request) -> web.Response:
        if not self._is_signed(request, b""):
            return _refusal(401, "Denied")
        document = self._store.operation(request.match_info["operation_id"])
        return web.json_response(document) if document else _refusal(404, "OperationNotFound")

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return is_signed(request.method, request.raw_path, headers, body, self._key)

    def _report(self, mail: SentMail) -> None:
        """The recipient's server answers a moment later, on the queue."""
        if self._queue is None:
            return
        status, words = self._store.wishes.deliveries.get(mail.to, ("Delivered", "250 2.0.0 OK"))
        event, queue = delivery_event(mail, status, words), self._queue

        async def put() -> None:
            try:
                await asyncio.to_thread(queue.put, event)
            except AzureError as fault:
                _log.warning("no report of mail %d: %s", mail.number, fault)

        task = asyncio.get_running_loop().create_task(put())
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)


def _is_whole(content: object) -> bool:
    try:
        SentMail(0, "", "2026-01-01T00:00:00+00:00", content, "", None).mime()  # type: ignore[arg-type]
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _answer(request: web.Request, fault: SendFault) -> web.StreamResponse:
    if fault.status == 0:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=500)
    return _refusal(fault.status, fault.code or "Fault", fault.retry_after)


def _refusal(status: int, code: str, retry_after: int | None = None) -> web.Response:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return web.json_response({"error": {"code": code, "message": code}}, status=status, headers=headers)
