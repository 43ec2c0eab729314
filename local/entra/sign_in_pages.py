"""The two sign-in addresses: `authorize` (a person signs in and consents) and `adminconsent` (for a whole tenant).

GET shows who can be picked; every button posts back to the same address, query and all, so that nothing is kept
between the pages. What is wrong with the application or its reply address is said here, never sent there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from local.entra import pages
from local.entra.directory import MULTI_TENANT, Client, Directory, Person, Tenant
from local.entra.refusals import Refusal, Refused
from local.entra.state import State
from local.entra.tokens import Code, Grant, Tokens

_PERMISSIONS = ("Access Azure Storage as you", "Maintain access to data you have given it access to")
_EVERYBODY = "*"


@dataclass(frozen=True)
class _Asked:
    """One request to sign in, checked: for which application, at which tenant (None: any), and who was picked."""

    client: Client
    tenant: Tenant | None
    query: Mapping[str, str]
    person: tuple[Tenant, Person] | None
    answer: str | None


class SignInPages:
    """Answers GET and POST of both addresses."""

    def __init__(self, directory: Directory, state: State, tokens: Tokens) -> None:
        self._directory = directory
        self._state = state
        self._tokens = tokens

    async def authorize(self, request: web.Request) -> web.Response:
        """Sign in and consent: a page, or the way back with a code or a refusal."""
        await asyncio.sleep(self._state.slow_seconds)
        try:
            asked = await self._asked(request)
            if asked.person is None:
                return _html(pages.pick_account(asked.tenant, self._people(request)))
            return self._sign_in(asked, *asked.person)
        except Refused as refused:
            return self._trouble(refused)

    async def admin_consent(self, request: web.Request) -> web.Response:
        """Consent for a whole tenant: a page, or the way back."""
        try:
            asked = await self._asked(request)
            if asked.person is None:
                return _html(pages.pick_account(asked.tenant, self._people(request)))
            return self._approve(asked, *asked.person)
        except Refused as refused:
            return self._trouble(refused)

    def _sign_in(self, asked: _Asked, home: Tenant, person: Person) -> web.Response:
        client = asked.client
        fault = self._state.fault("authorize", person.object_id)
        if fault is not None:
            return self._back(asked, fault)
        if person.object_id in self._state.disabled:
            raise Refused(Refusal.USER_DISABLED)
        tenant = asked.tenant or home
        if tenant.person(person.object_id) is None:
            raise Refused(
                Refusal.NOT_IN_TENANT,
                username=person.username,
                tenant=tenant.name,
                client=client.client_id,
                name=client.name,
            )
        asks_again = asked.query.get("prompt") == "consent"
        if asks_again or not self._state.consented(tenant.tenant_id, client.client_id, person.object_id):
            if not self._may_consent(tenant, person):
                if asked.answer == "return":
                    return self._back(asked, Refusal.APPROVAL_NEEDED)
                return _html(pages.approval_needed(client.name, person))
            if asked.answer == "cancel":
                return self._back(asked, Refusal.DECLINED)
            if asked.answer != "accept":
                return _html(pages.consent(client.name, person, _PERMISSIONS, for_everybody=False))
            self._consent(tenant, client, person.object_id)
        return self._with_code(asked, tenant, person)

    def _approve(self, asked: _Asked, home: Tenant, person: Person) -> web.Response:
        tenant = asked.tenant or home
        if tenant.person(person.object_id) is None or not person.administrator:
            return _html(pages.approval_needed(asked.client.name, person))
        if asked.answer == "cancel":
            return self._back(asked, Refusal.DECLINED, admin_consent="True")
        if asked.answer != "accept":
            return _html(pages.consent(asked.client.name, person, _PERMISSIONS, for_everybody=True))
        self._consent(tenant, asked.client, _EVERYBODY)
        return _redirect(
            asked, {"admin_consent": "True", "tenant": tenant.tenant_id, "scope": asked.query.get("scope", "")}
        )

    def _with_code(self, asked: _Asked, tenant: Tenant, person: Person) -> web.Response:
        query = asked.query
        grant = Grant(tenant.tenant_id, person, asked.client.client_id, query.get("scope", ""))
        code = self._tokens.code(
            Code(grant, query["redirect_uri"], query.get("code_challenge"), query.get("nonce"), self._state.now())
        )
        self._state.note("authorize", "ok", tenant=tenant.tenant_id, person=person.object_id)
        return _redirect(asked, {"code": code, "session_state": person.object_id})

    def _back(self, asked: _Asked, refusal: Refusal, **more: str) -> web.Response:
        """The way back with a refusal."""
        refused = Refused(refusal, tenant=asked.tenant.name if asked.tenant else "")
        self._state.note("authorize", refusal.value, tenant=asked.tenant.tenant_id if asked.tenant else None)
        answer = refused.answer
        facts = {"error": answer.error, "error_description": refused.description(self._state.moment())}
        facts |= {"error_subcode": answer.suberror} if answer.suberror else {}
        return _redirect(asked, {**facts, **more})

    def _may_consent(self, tenant: Tenant, person: Person) -> bool:
        return person.administrator or self._state.user_consent.get(tenant.tenant_id, tenant.user_consent)

    def _consent(self, tenant: Tenant, client: Client, object_id: str) -> None:
        self._state.consents.add((tenant.tenant_id, client.client_id, object_id))
        self._state.save()
        self._state.note("consent", "ok", tenant=tenant.tenant_id, person=object_id)

    def _people(self, request: web.Request) -> list[tuple[Tenant, Person]]:
        return self._directory.people(request.match_info["tenant"].lower())

    async def _asked(self, request: web.Request) -> _Asked:
        """What is asked for; raises Refused where it may not be answered at the reply address."""
        query = dict(request.query)
        tenant_id = request.match_info["tenant"].lower()
        tenant = self._directory.tenant(tenant_id)
        if tenant is None and tenant_id not in MULTI_TENANT:
            raise Refused(Refusal.UNKNOWN_TENANT, tenant=tenant_id)
        client = self._directory.client(query.get("client_id"))
        if client is None:
            raise Refused(Refusal.UNKNOWN_APPLICATION, client=query.get("client_id", ""), tenant=tenant_id)
        if not _is_registered(query.get("redirect_uri", ""), client):
            raise Refused(Refusal.WRONG_REDIRECT, redirect=query.get("redirect_uri", ""))
        form = await request.post() if request.method == "POST" else {}
        picked = str(form.get("person", ""))
        people = self._directory.people(tenant_id)
        person = next((entry for entry in people if entry[1].object_id == picked), None)
        answer = form.get("answer")
        return _Asked(client, tenant, query, person, str(answer) if answer else None)

    def _trouble(self, refused: Refused) -> web.Response:
        self._state.note("authorize", refused.refusal.value)
        return _html(pages.trouble(refused.description(self._state.moment())), 400)


def _is_registered(redirect_uri: str, client: Client) -> bool:
    return redirect_uri in client.redirect_uris


def _redirect(asked: _Asked, facts: Mapping[str, str]) -> web.Response:
    """To the reply address, with the application's own state."""
    state = {"state": asked.query["state"]} if "state" in asked.query else {}
    target = asked.query["redirect_uri"]
    separator = "&" if "?" in target else "?"
    location = f"{target}{separator}{urlencode({**facts, **state})}"
    return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"})
