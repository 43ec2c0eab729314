"""What an agent found when it was asked to look: a connection test or a trace, as its page shows it. Pure.

Nouns: a *check* is asked of an agent and answered with its next heartbeat; until then it is `asked`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from functions.dashboard.formatting import duration, plural
from functions.dashboard.import_words import ENTITY_WORDS
from functions.domain.rockrms_views import CheckState, CheckView
from migrate_contract.rockrms import CampusFact, MissionTestReport, RockShown, RockTestReport

SHOWN_CAMPUSES = 12


@dataclass(frozen=True, slots=True)
class TestShown:
    """One check; what says nothing is empty.

    `state`: asked, ok, bad, or rule (of a record that is in RockRMS and not simply in Mission).
    """

    state: str
    title: str
    detail: str
    asked_at: datetime
    asked_by: str
    agent_name: str
    answered_at: datetime | None = None
    code: str = ""
    fix: str = ""
    seconds: str = ""
    tables: Sequence[str] = ()
    warnings: Sequence[str] = ()
    facts: list[tuple[str, str]] = field(default_factory=list)
    counts: list[tuple[str, int]] = field(default_factory=list)


def rock_test(check: CheckView | None) -> TestShown | None:
    """Result: Test Connection's last result; None where it was never asked."""
    if check is None:
        return None
    found = check.rock or RockTestReport()
    return _shown(
        check,
        ok="RockRMS answers",
        seconds=found.seconds,
        tables=found.unreadable_tables,
        warnings=found.warnings,
        facts=_rock_facts(found),
        counts=[(ENTITY_WORDS[each.entity], each.rows) for each in found.entities],
    )


def mission_test(check: CheckView | None) -> TestShown | None:
    """Result: Test Mission's last result; None where it was never asked."""
    if check is None:
        return None
    found = check.mission or MissionTestReport()
    facts = [("Organization", found.organization_name), ("Contract version", found.contract_version)]
    facts += [("Funds", f"{len(found.funds):,}")] if found.funds else []
    if found.can_read_back is not None:
        facts.append(("Verification", "can be read back" if found.can_read_back else "cannot be read back"))
    return _shown(
        check, ok="Mission answers and takes the key", seconds=found.seconds, facts=[fact for fact in facts if fact[1]]
    )


def trace_state(check: CheckView | None) -> TestShown | None:
    """Result: where the last trace stands; None where none was asked."""
    if check is None:
        return None
    shown = _shown(check, ok="Found on both sides")
    found = check.trace is not None and bool(check.trace.source)
    return replace(shown, state="rule") if shown.state == "bad" and found else shown


def connection_facts(shown: RockShown) -> list[tuple[str, str]]:
    """Result: what may be shown of a connection string; the password is no part of it."""
    port = str(shown.port) if shown.port else "" if shown.instance else "1433 (none is named)"
    facts = [
        ("Server", shown.server),
        ("Instance", shown.instance or ""),
        ("Port", port),
        ("Database", shown.database),
        ("User", shown.user or "the account that runs the agent (Windows)"),
        ("Encryption", shown.encrypt),
        ("Certificate", "trusted without a check" if shown.trust_server_certificate else ""),
    ]
    return [(label, text) for label, text in facts if text]


def suggested_zone(check: CheckView | None) -> str:
    """Result: the time zone that every campus of the last test agrees on; '' where none or several are named."""
    campuses = check.rock.campuses if check and check.rock else []
    zones = {campus.time_zone for campus in campuses if campus.time_zone}
    return zones.pop() if len(zones) == 1 else ""


def _shown(
    check: CheckView,
    *,
    ok: str,
    seconds: float = 0.0,
    tables: Sequence[str] = (),
    warnings: Sequence[str] = (),
    facts: list[tuple[str, str]] | None = None,
    counts: list[tuple[str, int]] | None = None,
) -> TestShown:
    shown = TestShown("asked", "Asked, not answered yet", "", check.asked_at, check.asked_by, check.agent_name)
    if check.state is CheckState.WAITING:
        detail = f"{check.agent_name} answers on its next heartbeat. This page shows the answer by itself."
        return replace(shown, detail=detail)
    finished = check.finished_at or check.ends_at
    if check.fault is not None:
        fault = check.fault
        return replace(
            shown,
            state="bad",
            title=fault.title,
            detail=fault.detail,
            answered_at=finished,
            code=fault.code,
            fix=fault.fix,
            tables=tables,
        )
    return replace(
        shown,
        state="ok",
        title=ok,
        answered_at=finished,
        seconds=duration(seconds) if seconds >= 1 else f"{seconds:.1f} s" if seconds else "",
        warnings=warnings,
        facts=facts or [],
        counts=counts or [],
    )


def _rock_facts(found: RockTestReport) -> list[tuple[str, str]]:
    encrypted = {None: "", True: "encrypted", False: "not encrypted"}[found.encrypted]
    facts = [
        ("SQL Server", found.sql_version),
        ("Rock", found.rock_version),
        ("Connection", encrypted),
        ("Campuses", _campus_words(found.campuses)),
    ]
    return [(label, text) for label, text in facts if text]


def _campus_words(campuses: Sequence[CampusFact]) -> str:
    names = [campus.name + ("" if campus.is_active is not False else " (inactive)") for campus in campuses]
    rest = len(names) - SHOWN_CAMPUSES
    return ", ".join(names[:SHOWN_CAMPUSES]) + (
        f" and {plural(rest, 'more campus', 'more campuses')}" if rest > 0 else ""
    )
