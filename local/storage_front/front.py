"""The front itself: decide about one request, pass it on or refuse it, and write it to the log."""

from __future__ import annotations

import re
import ssl
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from local.storage_front.accounts import Account, Accounts
from local.storage_front.bearer import RESOURCE, BearerTokens, TokenRefused
from local.storage_front.operations import DELEGATION_KEY, Operation, operation_of
from local.storage_front.request_log import Entry, RequestLog

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"})
_KEY_VALUE = re.compile(r"<Value>([^<]+)</Value>")
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class _Refusal(Exception):
    """An answer of the front's own."""

    status: int
    code: str
    challenge: str | None = None


class Front:
    """Passes requests to the emulator at `upstream` (scheme, host and port)."""

    def __init__(
        self, accounts: Accounts, tokens: BearerTokens, log: RequestLog, upstream: str, authority: str, ca_file: Path
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._log = log
        self._upstream = upstream
        self._authority = authority
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """The HTTPS side."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.cleanup_ctx.append(self._connected)
        return application

    async def _connected(self, _application: web.Application):  # type: ignore[no-untyped-def]
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        yield
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw_path, _, query_string = request.raw_path.partition("?")
        operation = operation_of(request.method, raw_path, query_string, request.headers)
        authentication, person = _authentication(request, operation)
        if "sig" in operation.query:
            self._log.signatures.add(operation.query["sig"])
        entry = Entry(
            time=datetime.now(UTC).isoformat(),
            operation=operation.name,
            account=operation.account,
            container=operation.container,
            blob=operation.blob,
            status=0,
            code="",
            authentication=authentication,
            person=person,
            request_bytes=request.content_length or 0,
        )
        try:
            entry = replace(entry, person=await self._admit(request, operation, authentication) or person)
            return await self._pass_on(request, entry)
        except _Refusal as refusal:
            self._log.write(replace(entry, status=refusal.status, code=refusal.code))
            return await self._refuse(request, refusal)

    async def _admit(self, request: web.Request, operation: Operation, authentication: str) -> str | None:
        """Let it in: who asks, None where a signature says so. Raises _Refusal."""
        account = self._accounts.get(operation.account)
        if account is None:
            # In Azure its name would not resolve, which cannot be played under one address.
            raise _Refusal(404, "AccountNotFound")
        fault = self._accounts.fault(operation)
        if fault is not None:
            raise _Refusal(fault.status, fault.code, self._challenge(account) if fault.status == 401 else None)
        if authentication == "Anonymous":
            raise _Refusal(401, "NoAuthenticationInformation", self._challenge(account))
        if account.disabled:
            raise _Refusal(403, "AccountIsDisabled")
        person = operation.query.get("skoid")
        if authentication == "OAuth":
            person = await self._bearer(request, account)
        if account.firewall:
            raise _Refusal(403, "AuthorizationFailure")
        # A delegation signature is worth what its signer's roles are worth when it is used.
        if person is not None and not account.allows(person, operation):
            raise _Refusal(403, "AuthorizationPermissionMismatch")
        return person

    async def _bearer(self, request: web.Request, account: Account) -> str:
        token = request.headers["Authorization"].partition(" ")[2].strip()
        try:
            return await self._tokens.person(token, account.tenant_id)
        except TokenRefused as fault:
            raise _Refusal(401, "InvalidAuthenticationInfo", self._challenge(account)) from fault

    def _challenge(self, account: Account) -> str:
        """The header that says at which tenant to sign in."""
        where = f"{self._authority}/{account.tenant_id}/oauth2/authorize"
        return f"Bearer authorization_uri={where} resource_id={RESOURCE}"

    async def _pass_on(self, request: web.Request, entry: Entry) -> web.StreamResponse:
        assert self._session is not None
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        target = URL(self._upstream + request.raw_path, encoded=True)
        body = request.content if request.can_read_body else None
        try:
            async with self._session.request(
                request.method, target, headers=headers, data=body, allow_redirects=False
            ) as upstream:
                answer = web.StreamResponse(status=upstream.status, reason=upstream.reason)
                for name, value in upstream.headers.items():
                    if name.lower() not in _HOP_BY_HOP:
                        answer.headers.add(name, value)
                # Written before anybody has the answer, so that who has it finds the line.
                code = upstream.headers.get("x-ms-error-code", "")
                self._log.write(replace(entry, status=upstream.status, code=code))
                await answer.prepare(request)
                async for chunk in upstream.content.iter_chunked(_CHUNK_BYTES):
                    if entry.operation == DELEGATION_KEY:
                        self._log.signatures.update(_KEY_VALUE.findall(chunk.decode("utf-8", "replace")))
                    await answer.write(chunk)
                await answer.write_eof()
                return answer
        except aiohttp.ClientError as fault:
            raise _Refusal(503, "ServerBusy") from fault

    async def _refuse(self, request: web.Request, refusal: _Refusal) -> web.Response:
        async for _ in request.content.iter_any():
            """A client that still sends reads no answer."""
        request_id = str(uuid.uuid4())
        headers = {"x-ms-request-id": request_id, "x-ms-version": request.headers.get("x-ms-version", "2021-12-02")}
        headers["x-ms-error-code"] = refusal.code
        if refusal.challenge is not None:
            headers["WWW-Authenticate"] = refusal.challenge
        text = (
            f'﻿<?xml version="1.0" encoding="utf-8"?><Error><Code>{escape(refusal.code)}</Code>'
            f"<Message>Refused by the local storage front.\nRequestId:{request_id}</Message></Error>"
        )
        return web.Response(status=refusal.status, text=text, content_type="application/xml", headers=headers)


def _authentication(request: web.Request, operation: Operation) -> tuple[str, str | None]:
    """How a request says who asks, in the words of the service's logs."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return "OAuth", None
    if scheme.lower().startswith("sharedkey"):
        return "AccountKey", None
    if "sig" in operation.query:
        return "SAS", operation.query.get("skoid")
    return "Anonymous", None
