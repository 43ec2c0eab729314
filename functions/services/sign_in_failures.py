"""Sign-ins to a customer's storage that did not succeed: an event each, and an alert at the third within an hour."""

from __future__ import annotations

from datetime import timedelta

from functions.domain.event import Event, EventKind
from functions.domain.limits import Limits
from functions.domain.ports import Clock
from functions.services.alerts import Alerts, Finding
from functions.services.events import Events
from migrate_contract.errors import CATALOGUE, ErrorCode


class SignInFailures:
    """Told by the sign-in of a connection."""

    def __init__(self, clock: Clock, limits: Limits, events: Events, alerts: Alerts) -> None:
        self._clock = clock
        self._limits = limits
        self._events = events
        self._alerts = alerts

    def failed(
        self, organization: str, client_id: str, project_id: str, flow_id: str, code: ErrorCode, *, detail: str = ""
    ) -> None:
        """A sign-in did not succeed. `flow_id` names the sign-in and is no secret; `detail` is for people.

        Raises Retryable(storage-unavailable).
        """
        now = self._clock()
        link = f"/projects/{project_id}"
        said = detail or CATALOGUE[code].title
        self._events.record(
            Event(
                organization=organization,
                client_id=client_id,
                project_id=project_id,
                kind=EventKind.SIGN_IN_FAILED,
                subject=project_id,
                occurrence=flow_id,
                at=now,
                summary=f"A sign-in to Azure did not succeed: {said}",
                code=code,
                link=link,
                facts={"code": code.value, "detail": said},
            )
        )
        self._count(organization, client_id, project_id, code, said)

    def resolve(self) -> int:
        """Closes alerts of projects where no sign-in has failed for the whole window. Result: how many."""
        quiet_since = self._clock() - timedelta(seconds=self._limits.sign_in_failures_window_seconds)
        quiet = self._alerts.open_subjects(ErrorCode.SIGN_IN_FAILING, quiet_since=quiet_since)
        for organization, subject in quiet:
            self._alerts.over(organization, ErrorCode.SIGN_IN_FAILING, subject)
        return len(quiet)

    def _count(self, organization: str, client_id: str, project_id: str, code: ErrorCode, said: str) -> None:
        """Alerts when this was one too many; within one window the event is written once."""
        since = self._clock() - timedelta(seconds=self._limits.sign_in_failures_window_seconds)
        failed = self._events.since(organization, project_id, EventKind.SIGN_IN_FAILED, since)
        if len(failed) < self._limits.sign_in_failures:
            return
        detail = f"{len(failed)} sign-ins within an hour did not succeed; the last one: {said}"
        link = f"/projects/{project_id}"
        finding = Finding(organization, ErrorCode.SIGN_IN_FAILING, project_id, detail, link=link, client_id=client_id)
        self._alerts.occurred(finding)
        if self._events.since(organization, project_id, EventKind.SIGN_IN_FAILING, since):
            return
        decisive = failed[-self._limits.sign_in_failures]
        self._events.record(
            Event(
                organization=organization,
                client_id=client_id,
                project_id=project_id,
                kind=EventKind.SIGN_IN_FAILING,
                subject=project_id,
                occurrence=decisive.event_id,
                at=decisive.at,
                summary=detail,
                code=ErrorCode.SIGN_IN_FAILING,
                link=link,
                facts={"count": str(len(failed)), "code": code.value, "detail": said},
            )
        )
