"""The control API of the identity server, for tests: what goes wrong next, and what has happened.

A person is named by their object id. `EntraControl` is its client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local.entra.refusals import Refusal
from local.entra.state import Fault, Forgery, State
from local.entra.tokens import Keys
from local.loopback_server import ControlClient

_EVERYBODY = "*"

type _Body = dict[str, Any]


class EntraControl(ControlClient):
    """Changes the identity server's mind."""

    def refuse(
        self, refusal: Refusal, *, person: str | None = None, grant: str | None = None, times: int | None = None
    ) -> None:
        """Answer with this refusal from now on: that person only, that grant only, so many times only.

        `grant` is `authorize`, `authorization_code` or `refresh_token`; None is both of the token endpoint.
        """
        self.call("POST", "/faults", refusal=refusal.value, person=person, grant=grant, times=times)

    def recover(self) -> None:
        """End every fault: refusals, slowness, the expired secret, forged id tokens, the outage."""
        self.call("DELETE", "/faults")
        self.outage(False)

    def slow(self, seconds: float) -> None:
        """Answer token and sign-in requests after so long."""
        self.call("POST", "/slow", seconds=seconds)

    def revoke(self, person: str) -> None:
        """End every refresh token that this person has (50173); a new sign-in works."""
        self.call("POST", "/revocations", person=person)

    def disable(self, person: str, disabled: bool = True) -> None:
        """Disable this person's account (50057), or enable it."""
        self.call("POST", "/disabled", person=person, disabled=disabled)

    def expire_secret(self, expired: bool = True) -> None:
        """Let the application's secret be expired (7000222), or not."""
        self.call("POST", "/secret", expired=expired)

    def withdraw_consent(self, tenant_id: str, person: str | None = None) -> None:
        """Forget the consents of a tenant, or of one person there (65001)."""
        self.call("DELETE", "/consents", tenant_id=tenant_id, person=person)

    def approve(self, tenant_id: str, client_id: str) -> None:
        """Consent for everybody in a tenant, as its administrator would."""
        self.call("POST", "/consents", tenant_id=tenant_id, client_id=client_id)

    def allow_user_consent(self, tenant_id: str, allowed: bool = True) -> None:
        """Let people of a tenant consent themselves, or need an administrator's approval."""
        self.call("POST", "/user-consent", tenant_id=tenant_id, allowed=allowed)

    def move_clock(self, offset_seconds: float) -> None:
        """Set the server's clock so far ahead of the machine's."""
        self.call("POST", "/clock", offset_seconds=offset_seconds)

    def forge_id_tokens(self, *, wrong_key: bool = False, **claims: Any) -> None:
        """Give the next id tokens other claims, or a signature of a key that nobody published."""
        self._http.post("/forgery", json={"wrong_key": wrong_key, "claims": claims}).raise_for_status()

    def rotate_key(self) -> None:
        """Sign with a new key; the old one stays published."""
        self.call("POST", "/key")

    def log(self) -> list[dict[str, Any]]:
        """What was asked and answered, without anything secret."""
        entries: list[dict[str, Any]] = self.call("GET", "/log")
        return entries

    def issued(self) -> list[str]:
        """Every code and token that was handed out: for a search that must not find them."""
        secrets: list[str] = self.call("GET", "/issued")
        return secrets


def control_application(state: State, keys: Keys) -> web.Application:
    """The server side."""

    def fault(body: _Body) -> None:
        refusal = Refusal(body["refusal"])
        state.faults.append(Fault(refusal, body.get("person"), body.get("grant"), body.get("times")))

    def recover(_body: _Body) -> None:
        state.faults.clear()
        state.forgery = Forgery()
        state.slow_seconds, state.secret_expired = 0.0, False

    def slow(body: _Body) -> None:
        state.slow_seconds = float(body["seconds"])

    def revoke(body: _Body) -> None:
        state.revoked_at[body["person"]] = state.now()

    def disable(body: _Body) -> None:
        (state.disabled.add if body["disabled"] else state.disabled.discard)(body["person"])

    def secret(body: _Body) -> None:
        state.secret_expired = bool(body["expired"])

    def withdraw(body: _Body) -> None:
        person = body.get("person")
        state.consents = {
            (tenant_id, client_id, who)
            for tenant_id, client_id, who in state.consents
            if tenant_id != body["tenant_id"] or (person is not None and who not in {person, _EVERYBODY})
        }

    def approve(body: _Body) -> None:
        state.consents.add((body["tenant_id"], body["client_id"], _EVERYBODY))

    def user_consent(body: _Body) -> None:
        state.user_consent[body["tenant_id"]] = bool(body["allowed"])

    def clock(body: _Body) -> None:
        state.clock_offset_seconds = float(body["offset_seconds"])
        # Moved back: what would then lie ahead happens now.
        state.revoked_at = {person: min(at, state.now()) for person, at in state.revoked_at.items()}

    def forge(body: _Body) -> None:
        state.forgery = Forgery(body["claims"], body["wrong_key"])

    def rotate(_body: _Body) -> None:
        keys.rotate()

    def changing(change: Callable[[_Body], None]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            change(await request.json() if request.can_read_body else {})
            state.save()
            return web.Response(status=204)

        return handle

    def reading(what: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(_request: web.Request) -> web.Response:
            return web.json_response(what())

        return handle

    application = web.Application()
    application.add_routes(
        [
            web.post("/faults", changing(fault)),
            web.delete("/faults", changing(recover)),
            web.post("/slow", changing(slow)),
            web.post("/revocations", changing(revoke)),
            web.post("/disabled", changing(disable)),
            web.post("/secret", changing(secret)),
            web.delete("/consents", changing(withdraw)),
            web.post("/consents", changing(approve)),
            web.post("/user-consent", changing(user_consent)),
            web.post("/clock", changing(clock)),
            web.post("/forgery", changing(forge)),
            web.post("/key", changing(rotate)),
            web.get("/log", reading(lambda: state.log)),
            web.get("/issued", reading(lambda: state.issued)),
            web.get("/keys", reading(keys.published)),
        ]
    )
    return application
