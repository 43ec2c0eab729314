"""The control API of the storage front, for tests: roles, firewall, faults, the log. `StorageControl` calls it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.loopback_server import ControlClient
from local.storage_front.accounts import CONTRIBUTOR, Account, Accounts, Fault, Role
from local.storage_front.operations import WRITES
from local.storage_front.request_log import Entry, RequestLog

type _Body = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a reader of the log stands."""

    position: int


class StorageControl(ControlClient):
    """Changes a customer's account, and reads its log."""

    def assign(
        self,
        account: str,
        person: str,
        role: str = CONTRIBUTOR,
        *,
        container: str | None = None,
        refusals_first: int = 0,
    ) -> None:
        """Give a person a role on the account or on a container; it acts after so many refused requests."""
        self.call(
            "POST",
            f"/accounts/{account}/roles",
            person=person,
            role=role,
            container=container,
            refusals_left=refusals_first,
        )

    def unassign(self, account: str, person: str) -> None:
        """Take every role on the account and its containers away from a person."""
        self.call("DELETE", f"/accounts/{account}/roles", person=person)

    def firewall(self, account: str, closed: bool = True) -> None:
        """Refuse everybody whom the account's network rules do not name (403 AuthorizationFailure), or nobody."""
        self.call("POST", f"/accounts/{account}", firewall=closed)

    def disable(self, account: str, disabled: bool = True) -> None:
        """Disable the account (403 AccountIsDisabled), or enable it."""
        self.call("POST", f"/accounts/{account}", disabled=disabled)

    def move(self, account: str, tenant_id: str) -> None:
        """Move the account's subscription to another tenant: tokens of the old one are refused."""
        self.call("POST", f"/accounts/{account}", tenant_id=tenant_id)

    def refuse(
        self,
        status: int,
        code: str,
        *,
        account: str | None = None,
        operation: str | None = None,
        container: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer these requests so, from now on or so many times; `operation` as in the log."""
        self.call(
            "POST",
            "/faults",
            status=status,
            code=code,
            account=account,
            operation=operation,
            container=container,
            times=times,
        )

    def recover(self) -> None:
        """End every fault and the outage; roles, firewall and tenant stay as they are."""
        self.call("DELETE", "/faults")
        self.outage(False)

    def requests(self, since: Place = Place(0)) -> list[Entry]:
        """Every request since that place, oldest first."""
        return [Entry(**entry) for entry in self.call("GET", f"/log?after={since.position}")]

    def signatures(self) -> list[str]:
        """Every signature and delegation key that has passed since the start."""
        secrets: list[str] = self.call("GET", "/signatures")
        return secrets

    def place(self) -> Place:
        """The end of the log as it is now."""
        return Place(len(self.requests()))

    def writes(self, since: Place = Place(0)) -> list[Entry]:
        """Every request since that place that has changed a blob."""
        return [entry for entry in self.requests(since) if entry.operation in WRITES and entry.status < 300]


def control_application(accounts: Accounts, log: RequestLog) -> web.Application:
    """The server side."""

    def named(request: web.Request) -> Account:
        account = accounts.get(request.match_info["account"])
        if account is None:
            raise web.HTTPNotFound
        return account

    def change(request: web.Request, body: _Body) -> None:
        account = named(request)
        for name in ("firewall", "disabled", "tenant_id"):
            if name in body:
                setattr(account, name, body[name])

    def assign(request: web.Request, body: _Body) -> None:
        named(request).roles.append(Role(**body))

    def unassign(request: web.Request, body: _Body) -> None:
        account = named(request)
        account.roles = [role for role in account.roles if role.person != body["person"]]

    def fault(_request: web.Request, body: _Body) -> None:
        accounts.faults.append(Fault(**body))

    def recover(_request: web.Request, _body: _Body) -> None:
        accounts.faults.clear()

    def changing(act: Callable[[web.Request, _Body], None]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            act(request, await request.json() if request.can_read_body else {})
            accounts.save()
            return web.Response(status=204)

        return handle

    async def read(request: web.Request) -> web.Response:
        return web.json_response(log.read(int(request.query.get("after", "0"))))

    async def signatures(_request: web.Request) -> web.Response:
        return web.json_response(sorted(log.signatures))

    application = web.Application()
    application.add_routes(
        [
            web.post("/accounts/{account}", changing(change)),
            web.post("/accounts/{account}/roles", changing(assign)),
            web.delete("/accounts/{account}/roles", changing(unassign)),
            web.post("/faults", changing(fault)),
            web.delete("/faults", changing(recover)),
            web.get("/log", read),
            web.get("/signatures", signatures),
        ]
    )
    return application
