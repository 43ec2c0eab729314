"""The control side of the mail service: the page of sent mail, and what goes wrong next, for tests.

`MailControl` is its client.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from local.loopback_server import ControlClient
from local.mail.pages import list_page, mail_page
from local.mail.store import MailStore, SendFault, SentMail, Wishes

_HTML = "text/html"


class MailControl(ControlClient):
    """Looks at the service, and changes its mind."""

    def mails(self, to: str | None = None) -> list[SentMail]:
        """What was sent, the oldest first; to this address only, if given."""
        found = [SentMail(**document) for document in self.call("GET", "/mails.json")]
        return [mail for mail in found if to is None or mail.to == to]

    def refuse(self, status: int, code: str = "", *, retry_after: int | None = None, times: int | None = None) -> None:
        """Answer requests to send with this from now on; nothing is sent."""
        self.call("POST", "/faults", status=status, code=code, retry_after=retry_after, times=times)

    def lose_answer(self, status: int = 0, *, times: int | None = None) -> None:
        """Send, then answer with this status, or (0) cut the connection."""
        self.call("POST", "/faults", status=status, sends_anyway=True, times=times)

    def fail(self, code: str) -> None:
        """Take mails from now on, and let their operations fail."""
        self.call("POST", "/failure", code=code)

    def stay_running(self, times: int) -> None:
        """Answer so many questions about each operation with "Running"."""
        self.call("POST", "/running", times=times)

    def deliver(self, address: str, status: str, words: str = "") -> None:
        """What this address's mail server says of mails from now on, e.g. "Bounced"."""
        self.call("POST", "/deliveries", address=address, status=status, words=words)

    def recover(self) -> None:
        """End every wish."""
        self.call("DELETE", "/faults")


def control_application(store: MailStore) -> web.Application:
    """The server side."""

    async def show_list(_request: web.Request) -> web.Response:
        return web.Response(text=list_page(store.mails), content_type=_HTML)

    async def show_mail(request: web.Request) -> web.Response:
        return web.Response(text=mail_page(_found(store, request)), content_type=_HTML)

    async def show_file(request: web.Request) -> web.Response:
        return web.Response(body=_found(store, request).mime(), content_type="message/rfc822")

    async def as_json(_request: web.Request) -> web.Response:
        return web.json_response([vars(mail) for mail in store.mails])

    async def add_fault(request: web.Request) -> web.Response:
        store.wishes.faults.append(SendFault(**await request.json()))
        return web.Response(status=204)

    async def set_failure(request: web.Request) -> web.Response:
        code = str((await request.json())["code"])
        store.wishes.failure = {"code": code, "message": code}
        return web.Response(status=204)

    async def set_running(request: web.Request) -> web.Response:
        store.wishes.running = int((await request.json())["times"])
        return web.Response(status=204)

    async def set_delivery(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        store.wishes.deliveries[body["address"]] = (body["status"], body.get("words", ""))
        return web.Response(status=204)

    async def recover(_request: web.Request) -> web.Response:
        store.wishes = Wishes()
        return web.Response(status=204)

    application = web.Application()
    application.add_routes(
        [
            web.get("/", show_list),
            web.get("/mails.json", as_json),
            web.get(r"/mails/{number:\d+}", show_mail),
            web.get(r"/mails/{number:\d+}.eml", show_file),
            web.post("/faults", add_fault),
            web.delete("/faults", recover),
            web.post("/failure", set_failure),
            web.post("/running", set_running),
            web.post("/deliveries", set_delivery),
        ]
    )
    return application


def _found(store: MailStore, request: web.Request) -> SentMail:
    number = int(request.match_info["number"])
    if not 1 <= number <= len(store.mails):
        raise web.HTTPNotFound
    return store.mails[number - 1]
