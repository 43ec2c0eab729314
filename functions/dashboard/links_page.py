"""Links for the customer: the list of a project, and the one address that is about to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.dashboard.badges import Badge
from functions.dashboard.confirmations import Confirmation, revoke_link
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.customer_link import CustomerLinkView, LinkState
from functions.domain.views import ProjectView
from migrate_contract.problem import Problem

BADGES = {
    LinkState.OPEN: Badge("Open", "accent", "link"),
    LinkState.SAVED: Badge("Done: saved", "ok", "done"),
    LinkState.REVOKED: Badge("Revoked", "quiet", "cancelled"),
    LinkState.EXPIRED: Badge("Expired", "quiet", "clock"),
}


def links_page(
    frame: Frame,
    now: datetime,
    project: ProjectView,
    links: Sequence[CustomerLinkView],
    *,
    recipients: int,
    refusal: Problem | None = None,
) -> str:
    """Result: the page. `recipients`: how many addresses a link would be mailed to."""
    asked = [(link, BADGES[link.state], _question(project, link)) for link in links]
    return render(
        "links.html",
        frame,
        now=now,
        project=project,
        links=asked,
        questions=[question for _, _, question in asked if question],
        connected=project.azure_connection is not None and project.azure_connection.signs_in,
        any_open=any(link.state is LinkState.OPEN for link in links),
        recipients=recipients,
        refusal=refusal,
    )


def link_address_page(frame: Frame, project: ProjectView, address: str) -> str:
    """Result: the address, to be copied into a message of one's own."""
    return render("link_address.html", frame, project=project, address=address)


def _question(project: ProjectView, link: CustomerLinkView) -> Confirmation | None:
    return revoke_link(project, link.link_id) if link.state is LinkState.OPEN else None
