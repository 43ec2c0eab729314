"""The pages for customers in every shape that matters, by name."""

from __future__ import annotations

from collections.abc import Callable

from functions.dashboard.badges import Badge
from functions.dashboard.customer_pages import (
    ShownConnection,
    approval_page,
    approved_page,
    customer_problem_page,
    leaving_page,
    reconnect_done_page,
    reconnect_page,
    reconnect_save_page,
)
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import problem_for
from tests.unit.functions.dashboard import samples as s

HERE = "/reconnect/grace.p3v8c5n1r6tz.l1i2n3k4i5d6." + "0a" * 20
TENANT, APP = "ab1f708d-50f6-404c-a006-d71b2ac7a606", "5d0c1f0a-6c1e-4f1c-9a54-1d5d3c0b7f11"
ENDED = ShownConnection(
    "contosofiles", "archive", Badge("Sign-in needed", "bad", "key"), "Nothing is copied until somebody signs in again."
)
CONNECTED = ShownConnection(
    "contosofiles", "archive", Badge("Connected", "ok", "done"), "Signing in again is possible."
)
NEW = ShownConnection("contosofiles", "", Badge("Not connected yet", "quiet", "clock"))


def _reconnect(connection: ShownConnection, *, first: bool = False) -> str:
    expires_at = s.NOW.replace(month=6, day=11)
    return reconnect_page(s.frame(HERE, role=None), s.NOW, HERE, connection, expires_at=expires_at, first=first)


def _save(code: ErrorCode | None = None, detail: str = "") -> str:
    refusal = problem_for(code, detail, "5c1f0e2b9a7d") if code else None
    return reconnect_save_page(
        s.frame(HERE, role=None),
        HERE,
        draft="d1",
        person="Olivia Owner (olivia@contoso.example)",
        account="contosofiles",
        container="archive",
        refusal=refusal,
    )


def _problem(code: ErrorCode, detail: str) -> str:
    return customer_problem_page(s.frame(HERE, role=None), problem_for(code, detail, "5c1f0e2b9a7d"))


CUSTOMER_PAGES: dict[str, Callable[[], str]] = {
    "reconnect": lambda: _reconnect(ENDED),
    "reconnect-connected": lambda: _reconnect(CONNECTED),
    "reconnect-first": lambda: _reconnect(NEW, first=True),
    "reconnect-save": _save,
    "reconnect-save-refused": lambda: _save(ErrorCode.TARGET_ACCESS_DENIED, "Azure answered 403 for contosofiles."),
    "reconnect-done": lambda: reconnect_done_page(s.frame(HERE, role=None)),
    "link-expired": lambda: _problem(ErrorCode.CUSTOMER_LINK_EXPIRED, "It worked until 2026-05-01 10:00 UTC."),
    "link-unavailable": lambda: _problem(ErrorCode.STORAGE_UNAVAILABLE, "The tables do not answer."),
    "approval": lambda: approval_page(
        s.frame("/approve/" + TENANT, role=None), "https://login.microsoftonline.com/", TENANT, APP
    ),
    "approved": lambda: approved_page(s.frame("/connect/approved", role=None)),
}
LEAVING = {
    "leaving": lambda: leaving_page(
        s.frame(HERE, role=None),
        "https://login.microsoftonline.com/x?a=b&c=d",
        "login.microsoftonline.com",
        "contosofiles",
    )
}
"""Goes away by itself, so it is not in the gallery."""
