"""Pages for a customer's person, who is no member here: reconnecting by a signed link, and an administrator's approval.

They have no navigation, show one connection's account, container and status, and lead to nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.dashboard.badges import Badge
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from migrate_contract.problem import Problem

_SYMBOLS = {403: "cancelled", 404: "search", 410: "clock"}


@dataclass(frozen=True, slots=True)
class ShownConnection:
    """What a customer sees of a connection."""

    account: str
    container: str
    badge: Badge
    detail: str = ""


def reconnect_page(
    frame: Frame,
    now: datetime,
    here: str,
    connection: ShownConnection,
    *,
    expires_at: datetime,
    first: bool,
    refusal: Problem | None = None,
) -> str:
    """Result: the page of a link. `here`: its own path; `first`: nobody has signed in for this project yet."""
    return render(
        "reconnect.html",
        frame,
        now=now,
        here=here,
        connection=connection,
        expires_at=expires_at,
        heading="Connect Azure Storage" if first else "Reconnect Azure Storage",
        refusal=refusal,
    )


def reconnect_save_page(
    frame: Frame, here: str, *, draft: str, person: str, account: str, container: str, refusal: Problem | None = None
) -> str:
    """Result: after the sign-in: the access is tested and saved by one button."""
    return render(
        "reconnect_save.html",
        frame,
        here=here,
        draft=draft,
        person=person,
        account=account,
        container=container,
        refusal=refusal,
    )


def reconnect_done_page(frame: Frame) -> str:
    """Result: nothing is left to do."""
    return render("reconnect_done.html", frame)


def leaving_page(frame: Frame, address: str, host: str, account: str) -> str:
    """Result: goes on to the sign-in at Microsoft by itself, or by its link."""
    return render("leaving.html", frame, address=address, host=host, account=account)


def approval_page(frame: Frame, address: str, tenant_id: str, client_id: str) -> str:
    """Result: what an administrator is asked to approve, and the way to Microsoft."""
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
        symbol=_SYMBOLS.get(problem.status, "warning"),
        back=back,
        label="Go back" if problem.code in _NO_RETRY else "Sign in again",
        approval=approval,
    )


def customer_problem_page(frame: Frame, problem: Problem) -> str:
    """Result: a refusal or failure, without a way into the dashboard."""
    return render("customer_problem.html", frame, problem=problem, symbol=_SYMBOLS.get(problem.status, "warning"))
