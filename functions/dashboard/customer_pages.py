"""Pages for a customer's person, who is no member here: reconnecting by a signed link, and an administrator's approval.

They have no navigation, show one connection's account, container and status, and lead to nothing else.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from functions.dashboard.badges import Badge
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.connection_views import DraftView
from functions.domain.customer_link import Shown
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import Problem

_SYMBOLS = {403: "cancelled", 404: "search", 410: "clock"}
_NOT_BY_SIGNING_IN = frozenset(
    {ErrorCode.IDENTITY_MISCONFIGURED.value, ErrorCode.CUSTOMER_SIGN_IN_MISSING.value, ErrorCode.INTERNAL.value}
)
"""Refusals that another sign-in does not mend."""


def _status(shown: Shown) -> tuple[Badge, str]:
    if shown.ended:
        return Badge("Sign-in needed", "bad", "key"), "Nothing is copied until somebody has signed in again."
    if shown.connected:
        return Badge("Connected", "ok", "done"), "You can sign in again all the same: the newer sign-in then counts."
    return Badge("Not connected yet", "quiet", "clock"), ""


def reconnect_page(frame: Frame, now: datetime, here: str, shown: Shown, *, refusal: Problem | None = None) -> str:
    """Result: the page of a link. `here`: its own path."""
    badge, detail = _status(shown)
    return render(
        "reconnect.html",
        frame,
        now=now,
        here=here,
        shown=shown,
        badge=badge,
        detail=detail,
        expires_at=shown.link.expires_at,
        heading="Reconnect Azure Storage" if shown.ended or shown.connected else "Connect Azure Storage",
        refusal=refusal,
    )


def reconnect_save_page(
    frame: Frame, here: str, shown: Shown, draft: DraftView, *, refusal: Problem | None = None
) -> str:
    """Result: after the sign-in: the access is tested and saved by one button."""
    return render("reconnect_save.html", frame, here=here, shown=shown, draft=draft, refusal=refusal)


def reconnect_done_page(frame: Frame) -> str:
    """Result: nothing is left to do."""
    return render("reconnect_done.html", frame)


def leaving_page(frame: Frame, address: str, host: str, account: str) -> str:
    """Result: goes on to the sign-in at Microsoft by itself, or by its link."""
    return render("leaving.html", frame, address=address, host=host, account=account)


def approval_page(frame: Frame, address: str, tenant_id: str) -> str:
    """Result: what an administrator is asked to approve, and the way to Microsoft."""
    client_id = "".join(parse_qs(urlsplit(address).query).get("client_id", []))
    return render("approval.html", frame, address=address, tenant_id=tenant_id, client_id=client_id)


def approved_page(frame: Frame) -> str:
    """Result: the administrator is done."""
    return render("approved.html", frame)


def sign_in_refused_page(frame: Frame, problem: Problem, *, back: str, approval: str = "") -> str:
    """Result: what Microsoft or we refused. `back`: where the sign-in began; `approval`: the administrator's page."""
    return render(
        "sign_in_refused.html",
        frame,
        problem=problem,
        symbol=_symbol(problem),
        back=back,
        label="Go back" if problem.code in _NOT_BY_SIGNING_IN else "Sign in again",
        approval=approval,
    )


def customer_problem_page(frame: Frame, problem: Problem) -> str:
    """Result: a refusal or failure, without a way into the dashboard."""
    return render("customer_problem.html", frame, problem=problem, symbol=_symbol(problem))


def _symbol(problem: Problem) -> str:
    done = problem.code == ErrorCode.CUSTOMER_LINK_DONE.value
    return "done" if done else _SYMBOLS.get(problem.status, "warning")
