"""A project's events: what happened, newest first, each with its fix and a way to where it happened."""

from __future__ import annotations

from datetime import datetime

from functions.dashboard.badges import Badge
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render
from functions.domain.event import EventKind
from functions.domain.event_views import EventView
from functions.domain.views import Page, ProjectView

BADGES = {
    EventKind.JOB_FAILED: Badge("Job failed", "bad", "failed"),
    EventKind.JOB_COMPLETED_WITH_FAILURES: Badge("With failures", "warn", "warning"),
    EventKind.FINANCIAL_MISMATCH: Badge("Money differs", "bad", "warning"),
    EventKind.JOB_UNDELIVERED: Badge("Job not taken", "warn", "clock"),
    EventKind.SCAN_STALLED: Badge("Scan stalled", "warn", "search"),
    EventKind.AGENT_OFFLINE: Badge("Agent offline", "bad", "offline"),
    EventKind.SIGN_IN_FAILED: Badge("Sign-in failed", "warn", "key"),
    EventKind.SIGN_IN_FAILING: Badge("Sign-ins fail", "bad", "key"),
    EventKind.CONNECTION_EXPIRING: Badge("Ends soon", "warn", "clock"),
    EventKind.CONNECTION_EXPIRED: Badge("Sign-in ended", "bad", "key"),
    EventKind.TEST: Badge("Test", "quiet", "info"),
}


def events_page(frame: Frame, now: datetime, project: ProjectView, page: Page[EventView]) -> str:
    """Result: the page."""
    return render("events.html", frame, now=now, project=project, page=page, badges=BADGES)
