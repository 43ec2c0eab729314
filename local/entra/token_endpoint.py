"""The token endpoint: a code or a refresh token for new tokens, or the refusal that Entra would answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from aiohttp import web

from local.entra.directory import MULTI_TENANT, Client, Directory, Person
from local.entra.refusals import RETRY_AFTER_SECONDS, Refusal, Refused
from local.entra.state import State
from local.entra.tokens import CODE_SECONDS, INACTIVE_SECONDS, Grant, Refresh, Tokens, unpadded

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenEndpoint:
    """Answers POST /{tenant}/oauth2/v2.0/token."""

    def __init__(self, directory: Directory, state: State, tokens: Tokens, authority: str) -> None:
        self._directory = directory
        self._state = state
        self._tokens = tokens
        self._authority = authority

    async def handle(self, request: web.Request) -> web.Response:
        """One request; every outcome is in the log."""
        await asyncio.sleep(self._state.slow_seconds)
        form = {name: str(value) for name, value in (await request.post()).items()}
        tenant_id = request.match_info["tenant"].lower()
        grant = form.get("grant_type", "")
        note = {"tenant": tenant_id, "grant": grant, "client": _credentials(request, form)[0]}
        try:
            client = self._client(request, form, tenant_id)
            if grant == "authorization_code":
                issued, nonce = self._by_code(client, tenant_id, form)
            elif grant == "refresh_token":
                issued, nonce = self._by_refresh_token(client, tenant_id, form), None
            else:
                raise Refused(Refusal.WRONG_GRANT, grant=grant)
        except Refused as refused:
            self._state.note("token", refused.refusal.value, **note, person=refused.facts.get("person"))
            return self._refusal(refused)
        self._state.note("token", "ok", **note, person=issued.person.object_id)
        document = self._tokens.answer(issued, nonce=nonce, client_info=form.get("client_info") == "1")
        return web.json_response(document, headers=_NO_STORE)

    def _client(self, request: web.Request, form: Mapping[str, str], tenant_id: str) -> Client:
        """The application, authenticated."""
        client_id, secret = _credentials(request, form)
        if self._directory.tenant(tenant_id) is None and tenant_id not in MULTI_TENANT:
            raise Refused(Refusal.UNKNOWN_TENANT, tenant=tenant_id)
        client = self._directory.client(client_id)
        if client is None:
            raise Refused(Refusal.UNKNOWN_APPLICATION, client=client_id, tenant=tenant_id)
        if not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise Refused(Refusal.WRONG_SECRET, client=client_id)
        if self._state.secret_expired:
            raise Refused(Refusal.SECRET_EXPIRED, client=client_id)
        return client

    def _by_code(self, client: Client, tenant_id: str, form: Mapping[str, str]) -> tuple[Grant, str | None]:
        code = self._tokens.take_code(form.get("code", ""))
        if code is None:
            raise Refused(Refusal.CODE_USED)
        self._meet_fault("authorization_code", client, code.grant.person.object_id)
        if code.grant.client_id != client.client_id:
            raise Refused(Refusal.MALFORMED)
        if tenant_id not in MULTI_TENANT | {code.grant.tenant_id}:
            raise Refused(Refusal.MALFORMED)
        if self._state.now() - code.issued_at > CODE_SECONDS:
            raise Refused(Refusal.CODE_EXPIRED)
        if form.get("redirect_uri") != code.redirect_uri:
            raise Refused(Refusal.WRONG_REDIRECT, redirect=form.get("redirect_uri", ""))
        if code.challenge is not None and _challenge(form.get("code_verifier", "")) != code.challenge:
            raise Refused(Refusal.WRONG_VERIFIER)
        return code.grant, code.nonce

    def _by_refresh_token(self, client: Client, tenant_id: str, form: Mapping[str, str]) -> Grant:
        found = self._tokens.read_refresh(form.get("refresh_token", ""))
        if found is None or found.client_id != client.client_id:
            # A fault for everybody answers also for a token that is none.
            self._meet_fault("refresh_token", client, None)
            raise Refused(Refusal.MALFORMED)
        self._meet_fault("refresh_token", client, found.object_id)
        issued_at = self._state.now()
        person = self._person(found, tenant_id, client)
        facts = {"person": found.object_id, "issued": _stamp(found.issued_at), "client": client.client_id}
        if found.object_id in self._state.disabled:
            raise Refused(Refusal.USER_DISABLED, **facts)
        valid_from = self._state.revoked_at.get(found.object_id, 0.0)
        if found.issued_at <= valid_from:
            raise Refused(Refusal.REVOKED, **facts, valid_from=_stamp(valid_from))
        if issued_at - found.issued_at > INACTIVE_SECONDS:
            raise Refused(Refusal.INACTIVE, **facts)
        home = found.tenant_id if tenant_id in MULTI_TENANT else tenant_id
        if not self._state.consented(home, client.client_id, person.object_id):
            raise Refused(Refusal.CONSENT_MISSING, **facts, name=client.name)
        scope = form.get("scope") or found.scope
        return Grant(home, person, client.client_id, scope)

    def _person(self, found: Refresh, tenant_id: str, client: Client) -> Person:
        """The person at this tenant: a refresh token is bound to a user and a client, not to a tenant."""
        own = self._directory.tenant(found.tenant_id)
        person = own.person(found.object_id) if own else None
        if person is None:
            raise Refused(Refusal.MALFORMED)
        if tenant_id in MULTI_TENANT | {found.tenant_id}:
            return person
        there = self._directory.tenant(tenant_id)
        named = [user for user in there.people if user.username == person.username] if there else []
        if not named:
            raise Refused(
                Refusal.NOT_IN_TENANT,
                person=found.object_id,
                username=person.username,
                tenant=tenant_id,
                client=client.client_id,
                name=client.name,
            )
        return named[0]

    def _meet_fault(self, grant: str, client: Client, person: str | None) -> None:
        refusal = self._state.fault(grant, person)
        if refusal is not None:
            facts = {"person": person} if person else {}
            raise Refused(refusal, client=client.client_id, name=client.name, **facts)

    def _refusal(self, refused: Refused) -> web.Response:
        answer = refused.answer
        headers = dict(_NO_STORE)
        if refused.refusal is Refusal.THROTTLED:
            headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        if not answer.error:
            return web.Response(status=answer.status, text=answer.words, content_type="text/html", headers=headers)
        document = refused.document(self._state.moment(), self._authority)
        return web.json_response(document, status=answer.status, headers=headers)


def _credentials(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, of the form or of the Authorization header."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client_id), unquote(secret)


def _challenge(verifier: str) -> str:
    return unpadded(hashlib.sha256(verifier.encode()).digest())


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
