"""Telling: the part of the sweep that makes events of what happened and brings them to mail and webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.limits import Limits
from functions.services.announcements import Announcements
from functions.services.deliveries import Deliveries
from functions.services.guarded import Guarded
from functions.services.job_news import JobNews
from functions.services.sign_in_failures import SignInFailures


@dataclass(slots=True)
class Told:
    """What one run did: events announced, deliveries that arrived or did not, alerts closed."""

    events: int = 0
    delivered: int = 0
    undelivered: int = 0
    resolved: int = 0


class Telling:
    """Each step can be cut off anywhere: the next run finds what is left."""

    def __init__(
        self,
        limits: Limits,
        news: JobNews,
        sign_ins: SignInFailures,
        announcements: Announcements,
        deliveries: Deliveries,
    ) -> None:
        self._limits = limits
        self._news = news
        self._sign_ins = sign_ins
        self._announcements = announcements
        self._deliveries = deliveries

    def run(self, guarded: Guarded) -> Told:
        """Result: what was done; what fails is kept in `guarded`."""
        told = Told()
        with guarded.part("job news"):
            self._news.run(guarded)
        with guarded.part("sign-in failures"):
            told.resolved = self._sign_ins.resolve()
        with guarded.part("announcements"):
            told.events = self._announcements.run(guarded)
        with guarded.part("deliveries"):
            run = self._deliveries.run(self._limits.webhook_run_seconds)
            told.delivered, told.undelivered = run.delivered, run.failed + run.given_up
        return told
