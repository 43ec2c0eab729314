"""The certificate of an import: what it says, that it is one self-contained page, and that no value is markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from migrate_contract.certificate import MAX_FUND_ROWS, certificate_html, verdict_words
from migrate_contract.rockrms import (
    BridgeLine,
    Entity,
    EntityResult,
    Evidence,
    ImportReport,
    MoneyTotals,
    ReconciliationRow,
    ReportMission,
    ReportSource,
    Stage,
    Tallied,
    Verdict,
    Versions,
)

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def _fund(name: str, year: int, measure: str, source: str, target: str | None) -> ReconciliationRow:
    return ReconciliationRow(
        entity=Entity.CONTRIBUTIONS,
        measure=f"fund_year_{measure}",
        key=f"{name}|{year}",
        label=f"{name}, {year}",
        source_value=source,
        target_value=target,
        difference=None if target is None else "0.00",
        verdict=Verdict.UNKNOWN if target is None else Verdict.MATCH if source == target else Verdict.DIFFERS,
        evidence=Evidence.MISSION if target else Evidence.ACKNOWLEDGED,
    )


def _report(**changes: Any) -> ImportReport:
    base = ImportReport(
        attempt=2,
        stage=Stage.VERIFIED,
        evidence=Evidence.MISSION,
        financial_match=True,
        quality_score=100.0,
        entities=[EntityResult(entity=Entity.PEOPLE, in_scope=1_234, imported=1_230, skipped=4, mission=1_230)],
        rows=[
            _fund("General", 2025, "net", "90.00", "90.00"),
            _fund("General", 2025, "lines", "3", "3"),
            _fund("General", 2025, "gross", "100.00", "100.00"),
            _fund("General", 2025, "refunds", "-10.00", "-10.00"),
        ],
        bridge=[BridgeLine(code="all", label="In Rock, all time", count=3, amount="90.00")],
        not_moved=[Tallied(code="pledges", label="Pledges", count=17)],
        already_in_mission=[Tallied(code="people", label="people of this Rock", count=5)],
        totals=MoneyTotals(gross="100.00", refunds="-10.00", net="90.00", gifts=2, refund_lines=1),
        ledger_sha256="ab" * 32,
        versions=Versions(rock="17.1", sql_server="16.0", agent="1.2.3", mapping="1", mission_contract="1"),
        source=ReportSource(server="sql.church.local", database="RockRMS", install="x"),
        mission=ReportMission(url="https://mission.example", organization="Grace"),
        filters=["campuses: Main", "gifts and attendance since 2020-01-01"],
        started_at=AT,
        finished_at=AT,
    )
    return base.model_copy(update=changes)


def _text(report: ImportReport, **changes: Any) -> str:
    given: dict[str, Any] = {"project": "2026 move", "client": "Grace Church", "signed_for": None}
    return certificate_html(report, **(given | changes))


class _Page(HTMLParser):
    """Notes what a browser would fetch or run, and elements that are not closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [
            f"{name}={value}" for name, value in attrs if name in ("src", "href", "action") or name[:2] == "on"
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _parsed(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    return page


def test_it_says_all_that_a_treasurer_signs() -> None:
    html = _text(_report(), signed_for="Ruth Decker")
    for said in (
        "The financials match to the cent", "financial_match: true", "quality score 100.0", "Grace Church", "2026 move",
        "100.00", "-10.00", "90.00", "1,234", "1,230", "General, 2025", "sql.church.local", "RockRMS", "Pledges",
        "https://mission.example", "ab" * 32, "17.1", "1.2.3", "campuses: Main", "since 2020-01-01", "Ruth Decker",
        "Operator of the import", "mission: its own sums", "2026-01-31 12:00", "attempt 2", "people of this Rock",
    ):  # fmt: skip
        assert said in html, said


def test_it_is_one_self_contained_page() -> None:
    html = _text(_report())
    page = _parsed(html)
    assert page.open == []
    assert page.fetched == []
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert "@media print" in html
    assert not re.search(r"url\(|@import", html)


def test_no_value_is_markup() -> None:
    evil = '<script>alert("1")</script>'
    report = _report(reason=evil, financial_match=False, filters=[evil], source=ReportSource(server=evil))
    page = _parsed(_text(report, project=evil, client=evil, signed_for=evil))
    assert "script" not in page.tags
    assert page.open == []


@pytest.mark.parametrize(
    ("changes", "kind", "headline"),
    [
        ({}, "match", "The financials match to the cent"),
        ({"financial_match": False, "reason": "1 record errored"}, "differs", "The financials do not match"),
        ({"financial_match": None, "evidence": Evidence.ACKNOWLEDGED}, "unknown", "Accepted by Mission, not verified"),
        ({"financial_match": None}, "unknown", "Not verified"),
        ({"stage": Stage.DRY_RUN, "financial_match": None}, "unknown", "Dry run: nothing was sent"),
    ],
)
def test_the_verdict_in_words(changes: dict[str, Any], kind: str, headline: str) -> None:
    found = verdict_words(_report(**changes))
    assert found[:2] == (kind, headline)
    assert found[2]


def test_acknowledged_is_said_as_such() -> None:
    rows = [_fund("General", 2025, "net", "90.00", None), _fund("General", 2025, "lines", "3", None)]
    html = _text(_report(evidence=Evidence.ACKNOWLEDGED, financial_match=None, quality_score=None, rows=rows))
    assert "Accepted by Mission, not verified" in html
    assert "acknowledged: accepted by Mission, not verified" in html
    assert "match to the cent" not in html


def test_many_funds_are_added_up_on_the_sheet() -> None:
    rows = [
        row
        for year in range(1990, 2026)
        for row in (_fund("General", year, "net", "1.01", "1.01"), _fund("General", year, "lines", "1", "1"))
    ]
    html = _text(_report(rows=rows))
    assert html.count("General, ") == MAX_FUND_ROWS
    assert f"{36 - MAX_FUND_ROWS} more, all in the report" in html
    assert "General, 2025" in html
    assert "36.36" in html


def test_a_fund_that_differs_comes_first() -> None:
    rows = [_fund("General", year, "net", "1.00", "1.00" if year != 1991 else "0.99") for year in range(1990, 2026)]
    html = _text(_report(rows=rows, financial_match=False, reason="x"))
    assert html.index("General, 1991") < html.index("General, 2025")
