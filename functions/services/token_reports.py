"""What runs of the token refresh checker have found: a row for each, alerts for the operator, lists.

Operators hear of what only they can mend: our own registration being refused, a sign-in service that has not
answered for a day, and our own client secret before it ends. None of that is the customer's turn.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.caller import OperatorCaller
from functions.domain.expiry import SECRET_NOTICE_DAYS, days_left, notice_due
from functions.domain.expiry_views import TokenCheckView, TokenRunView
from functions.domain.keys import Continuations
from functions.domain.limits import Limits
from functions.domain.mail import MailDraft, MailKind
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, Tables, Value
from functions.domain.token_check import LookResult
from functions.domain.views import ListQuery, Page
from functions.services.alerts import Alerts, Finding
from functions.services.deployment import Deployment
from functions.services.sign_in_ends import Letters
from migrate_contract.errors import CATALOGUE, ErrorCode, Fault

CHECKS = "tokenchecks"
RUNS = "tokenruns"
_END_OF_TIME = 10**13
"""Milliseconds; a row key counts down to it, so that the newest sorts first."""
_OPERATORS_TURN = (
    ErrorCode.IDENTITY_MISCONFIGURED,
    ErrorCode.IDENTITY_UNAVAILABLE,
    ErrorCode.SECRET_UNREADABLE,
    ErrorCode.KEY_VAULT_UNAVAILABLE,
)
_SUBJECT = "consent"
"""The subject of alerts that are about our registration as a whole."""


@dataclass(slots=True)
class RunTally:
    """What one run did, by organization. Many threads count."""

    run_id: str
    began_at: datetime
    seconds: float = 0.0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    faults: dict[tuple[str, ErrorCode], str] = field(default_factory=dict)
    """By organization and code: what is the operator's turn, in the words of the first look that met it."""
    repeated: int = 0
    """Looks that were made once more."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def may_repeat(self, most: int) -> bool:
        """Result: whether one more look may be made again; it is counted."""
        with self._lock:
            if self.repeated >= most:
                return False
            self.repeated += 1
            return True

    def count(self, organization: str, what: str) -> None:
        """One more."""
        with self._lock:
            self.counts.setdefault(organization, Counter())[what] += 1

    def looked(self, organization: str, result: LookResult) -> None:
        """One look has ended."""
        self.count(organization, result.name.lower())

    def fault(self, organization: str, code: ErrorCode, detail: str) -> None:
        """A look has met what only the operator can mend."""
        self.faults.setdefault((organization, code), detail)

    @property
    def broken(self) -> int:
        """Result: looks that failed by a fault of ours."""
        return sum(each["broken"] for each in self.counts.values())

    def totals(self) -> dict[str, int]:
        """Result: the counts of all organizations together, and how many were looked at."""
        total: Counter[str] = sum(self.counts.values(), Counter())
        return {"looked": _looked(total), **{name: total[name] for name in sorted(total)}}


class TokenReports:
    """The only writer of the table of runs."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        limits: Limits,
        alerts: Alerts,
        letters: Letters,
        deployment: Deployment,
        continuations: Continuations,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._alerts = alerts
        self._letters = letters
        self._organization = deployment.organization
        self._continuations = continuations
        self._secret_expires_on = deployment.consent_secret_expires_on

    def finish(self, tally: RunTally) -> None:
        """Keeps what the run found, alerts the operator, and forgets runs of long ago."""
        for organization, counts in tally.counts.items():
            if _looked(counts) or counts["left"]:
                self._keep(organization, tally, counts)
            for code in _OPERATORS_TURN:
                self._alert(organization, code, tally.faults.get((organization, code)), counts)
        self._watch_secret()
        self._forget()

    def checks(self, caller: OperatorCaller, query: ListQuery) -> Page[TokenCheckView]:
        """Result: the newest look at each connection; a member limited to some clients sees theirs only."""
        where = {"client_id": tuple(sorted(caller.client_ids))} if caller.client_ids else None
        scope = f"{CHECKS}|{caller.organization}|{caller.object_id}"
        page = OrganizationTables(self._tables, caller.organization).page(
            CHECKS,
            "",
            where=where,
            limit=query.limit,
            continuation=self._continuations.open(query.continuation, scope),
        )
        return Page(
            items=[_check_view(row) for row in page.rows if rows.text(row, "result")],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def runs(self, caller: OperatorCaller, query: ListQuery) -> Page[TokenRunView]:
        """Result: the newest first. Their numbers are of all clients: who is limited to some sees none."""
        if caller.client_ids:
            return Page(items=[], continuation=None)
        scope = f"{RUNS}|{caller.organization}|{caller.object_id}"
        page = OrganizationTables(self._tables, caller.organization).page(
            RUNS, "", limit=query.limit, continuation=self._continuations.open(query.continuation, scope)
        )
        return Page(
            items=[_run_view(row) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def _keep(self, organization: str, tally: RunTally, counts: Counter[str]) -> None:
        countdown = _END_OF_TIME - int(tally.began_at.timestamp() * 1000)
        columns: dict[str, Value] = {
            "run_id": tally.run_id,
            "began_at": tally.began_at,
            "seconds": round(tally.seconds, 3),
            "looked": _looked(counts),
            **{name: counts[name] for name in _COUNTED},
        }
        OrganizationTables(self._tables, organization).upsert(RUNS, "", f"{countdown:013d}-{tally.run_id}", columns)

    def _alert(self, organization: str, code: ErrorCode, detail: str | None, counts: Counter[str]) -> None:
        """Opens the alert where the run has met the fault, closes it where a redemption has succeeded instead."""
        if detail is None:
            if counts["redeemed"]:
                self._alerts.over(organization, code, _SUBJECT)
            return
        if CATALOGUE[code].fault is Fault.OPERATOR and not self._alerts.is_open(organization, code, _SUBJECT):
            # Before the alert: what is posted and not alerted is found again, and is the same letter today.
            kind, facts = MailKind.IDENTITY_PROVIDER_MISCONFIGURED, {"code": code.value, "detail": detail}
            subject = f"{_SUBJECT}-{code.value}"
            self._letters.post(organization, MailDraft(kind, subject, "", self._clock().date(), facts))
        self._alerts.stands(Finding(organization, code, _SUBJECT, detail))

    def _watch_secret(self) -> None:
        """Our own client secret: the operator hears of its end ahead, and the customers never do."""
        ends_on = self._secret_expires_on
        if ends_on is None:
            return
        ends_at = datetime(ends_on.year, ends_on.month, ends_on.day, tzinfo=self._clock().tzinfo)
        notice = notice_due(ends_at, self._clock(), SECRET_NOTICE_DAYS)
        code = ErrorCode.CLIENT_SECRET_EXPIRING
        if notice is None:
            self._alerts.over(self._organization, code, _SUBJECT)
            return
        left = days_left(ends_at, self._clock())
        said = f"It ends on {ends_on.isoformat()}." if left > 0 else f"It ended on {ends_on.isoformat()}."
        self._alerts.stands(Finding(self._organization, code, _SUBJECT, said))
        facts = {"days_left": str(max(left, 0)), "expires_on": ends_on.isoformat()}
        draft = MailDraft(MailKind.CLIENT_SECRET_EXPIRING, _SUBJECT, "", notice.due_on, facts)
        self._letters.post(self._organization, draft)

    def _forget(self) -> None:
        """Removes runs of long ago."""
        before = self._clock() - timedelta(days=self._limits.token_report_days)
        continuation: str | None = None
        while True:
            page = self._tables.page(RUNS, limit=1000, continuation=continuation)
            for row in page.rows:
                if rows.need_moment(row, "began_at") < before:
                    self._tables.delete(RUNS, row.pk, row.rk)
            continuation = page.continuation
            if continuation is None:
                return


_RESULTS = tuple(result.name.lower() for result in LookResult)
_COUNTED = (*_RESULTS, "quiet", "elsewhere", "left")


def _looked(counts: Counter[str]) -> int:
    return sum(counts[name] for name in _RESULTS)


def _check_view(row: Row) -> TokenCheckView:
    return TokenCheckView(
        project_id=row.rk,
        client_id=rows.text(row, "client_id"),
        account=rows.text(row, "account"),
        looked_at=rows.need_moment(row, "looked_at"),
        result=LookResult(rows.text(row, "result")),
        detail=rows.text(row, "detail"),
        redeemed_at=rows.need_moment(row, "redeemed_at"),
        expires_at=rows.need_moment(row, "expires_at"),
        failing_since=rows.moment(row, "failing_since") if rows.flag(row, "failing") else None,
    )


def _run_view(row: Row) -> TokenRunView:
    return TokenRunView(
        run_id=rows.text(row, "run_id"),
        began_at=rows.need_moment(row, "began_at"),
        seconds=rows.real(row, "seconds"),
        looked=rows.number(row, "looked"),
        **{name: rows.number(row, name) for name in _COUNTED},
    )
