"""The certificate of an import as one printable page, the same from the agent and from the job page. Pure.

Self-contained HTML with its print style and no script: a treasurer can read it, print it on one sheet and sign it.
Every value is escaped; the file may be opened from a mail or a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from migrate_contract.rockrms import Entity, Evidence, ImportReport, ReconciliationRow, Stage, Tallied, Verdict

MAX_FUND_ROWS = 14
"""Rows of fund and year that one sheet has room for; the rest is added up in one row."""
MAX_DIFFERENCES = 6
"""Rows that differ; they take the room of as many funds and years."""

_ENTITY_NAMES = {
    Entity.PEOPLE: "People",
    Entity.FAMILIES: "Families",
    Entity.GROUPS: "Groups",
    Entity.CONTRIBUTIONS: "Gift lines",
    Entity.ATTENDANCE: "Attendance",
    Entity.PRAYER_REQUESTS: "Prayer requests",
}
_STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{font:10pt/1.35 "Segoe UI",system-ui,-apple-system,"Liberation Sans",Arial,sans-serif;color:#16202b;margin:0 auto;
max-width:205mm;padding:10mm;background:#fff}
h1{font-size:17pt;margin:0}h2{font-size:10.5pt;margin:4mm 0 1mm;border-bottom:.3mm solid #16202b}
p{margin:1mm 0}.who{color:#445}.verdict{margin:3mm 0;padding:2.5mm 4mm;border:.6mm solid;border-radius:1.5mm}
.verdict strong{font-size:13pt;display:block}.match{border-color:#14693b}.differs{border-color:#a3161d}
.unknown{border-color:#8a5a00}table{border-collapse:collapse;width:100%;font-size:8.2pt}
caption{text-align:left;font-weight:600;padding:1mm 0}
th,td{padding:.5mm 1.5mm;border-bottom:.15mm solid #c5ccd3;text-align:left;vertical-align:top}
th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tfoot td,tfoot th{border-top:.4mm solid #16202b;font-weight:600}
.two{display:grid;grid-template-columns:minmax(0,9fr) minmax(0,10fr);gap:0 5mm}
.two td,.two th{padding:.5mm .8mm}dl{display:grid;grid-template-columns:max-content 1fr;
gap:.3mm 3mm;margin:1mm 0;font-size:8.5pt}dt{color:#445}dd{margin:0;overflow-wrap:anywhere}
.hash{font:8pt ui-monospace,Consolas,"Liberation Mono",monospace}
.sign{display:grid;grid-template-columns:1fr 1fr;gap:8mm;margin-top:9mm}.sign div{border-top:.3mm solid #16202b;
padding-top:1mm;font-size:8.5pt;min-height:9mm}.small{font-size:8pt;color:#445}
@media (max-width:600px){.two,.sign{grid-template-columns:minmax(0,1fr)}body{padding:4mm}
table{display:block;overflow-x:auto}}
@page{size:auto;margin:10mm}
@media print{body{padding:0;max-width:none;font-size:8pt;line-height:1.2}h1{font-size:13pt}
h2{font-size:8.5pt;margin:2mm 0 .5mm}table{font-size:7pt}td,th{padding:.25mm 1mm}dl{font-size:7pt}
.verdict{margin:1.5mm 0;padding:1.5mm 3mm}.verdict strong{font-size:11pt}.sign{margin-top:7mm}
.small{font-size:6.5pt}.hash{font-size:7pt}h2,table,.sign,.verdict{break-inside:avoid}}
"""


def certificate_html(report: ImportReport, *, project: str, client: str, signed_for: str | None) -> str:
    """Result: the whole HTML document; `signed_for` is printed below the first signature line, blank if None."""
    title = f"Certificate of import: {client}, {project}"
    parts = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><main>",
        "<h1>Certificate of import</h1>",
        f'<p class="who">{escape(client)} · {escape(project)} · RockRMS to Mission ·'
        f" finished {_moment(report)} · attempt {report.attempt}</p>",
        _verdict(report),
        _differences(report),
        '<div class="two"><div>',
        _totals(report),
        "</div><div>",
        _entities(report),
        "</div></div>",
        _funds(report),
        '<div class="two"><div>',
        _bridge(report),
        "</div><div>",
        _left_behind(report),
        "</div></div>",
        _evidence(report),
        _signatures(signed_for),
        "</main></body></html>\n",
    )
    return "\n".join(part for part in parts if part)


def verdict_words(report: ImportReport) -> tuple[str, str, str]:
    """Result: (class: match, differs or unknown; headline; one sentence)."""
    if report.stage is Stage.DRY_RUN:
        return "unknown", "Dry run: nothing was sent", "These are Rock's numbers alone; no certificate of an import."
    if report.evidence is Evidence.ACKNOWLEDGED:
        sentence = "Mission answered that it took the records; they were not read back, and nobody compared them."
        return "unknown", "Accepted by Mission, not verified", sentence
    if report.financial_match is None:
        return "unknown", "Not verified", report.reason or "The comparison did not come to its end."
    if report.financial_match:
        sentence = "Every row compared differs by 0.00 and 0 records, nothing errored, and Mission itself was asked."
        return "match", "The financials match to the cent", sentence
    return "differs", "The financials do not match", report.reason or "At least one row differs."


def _verdict(report: ImportReport) -> str:
    kind, headline, sentence = verdict_words(report)
    quality = "" if report.quality_score is None else f" · quality score {report.quality_score:.1f}"
    return (
        f'<section class="verdict {kind}"><strong>{escape(headline)}</strong>{escape(sentence)}'
        f'<br><span class="small">financial_match: {_tristate(report.financial_match)}{quality}</span></section>'
    )


def _differences(report: ImportReport) -> str:
    unlike = [row for row in report.rows if row.verdict is Verdict.DIFFERS]
    if not unlike:
        return ""
    listed = [
        (
            _ENTITY_NAMES[row.entity],
            f"{row.measure.replace('_', ' ')}{f', {row.label}' if row.label else ''}",
            row.source_value,
            row.target_value or "",
            row.difference or "",
        )
        for row in unlike[:MAX_DIFFERENCES]
    ]
    more = len(unlike) - len(listed)
    after = f'<p class="small">and {more} more rows, in the report</p>' if more else ""
    return "<h2>What differs</h2>" + _table(("", "Row", "Rock", "Mission", "Difference"), listed, numbers=3) + after


def _totals(report: ImportReport) -> str:
    totals = report.totals
    target = {
        row.measure: row.target_value
        for row in report.rows
        if row.entity is Entity.CONTRIBUTIONS and not row.key and row.target_value is not None
    }
    rows = [
        ("Gross (gifts)", f"{totals.gifts:,}", _grouped(totals.gross), _grouped(target.get("gross"))),
        ("Refunds", f"{totals.refund_lines:,}", _grouped(totals.refunds), _grouped(target.get("refunds"))),
        (
            "Corrections",
            f"{totals.correction_lines:,}",
            _grouped(totals.corrections),
            _grouped(target.get("corrections")),
        ),
    ]
    if totals.zero_lines:
        rows.append(("Zero lines", f"{totals.zero_lines:,}", "0.00", "0.00" if target.get("zero_lines") else "-"))
    lines = totals.gifts + totals.refund_lines + totals.correction_lines + totals.zero_lines
    foot = ("Net", f"{lines:,}", _grouped(totals.net), _grouped(target.get("net")))
    head = (f"Gifts ({report.currency})", "Lines", "Rock", "Mission")
    return "<h2>Totals</h2>" + _table(head, rows, numbers=3, foot=foot)


def _entities(report: ImportReport) -> str:
    rows = [
        (
            _ENTITY_NAMES[result.entity],
            f"{result.in_scope:,}",
            f"{result.imported + result.updated + result.unchanged:,}",
            f"{result.skipped:,}",
            f"{result.errored:,}",
            "-" if result.mission is None else f"{result.mission:,}",
        )
        for result in report.entities
    ]
    return "<h2>Records</h2>" + _table(("", "In scope", "Sent", "Skipped", "Errored", "Mission"), rows, numbers=5)


def _funds(report: ImportReport) -> str:
    cells = _fund_cells(report)
    if not cells:
        return ""
    room = MAX_FUND_ROWS if report.financial_match is not False else MAX_FUND_ROWS - MAX_DIFFERENCES
    shown, rest = cells[:room], cells[room:]
    rows = [cell.shown() for cell in shown]
    if rest:
        rows.append(_added(f"{len(rest)} more, all in the report", rest).shown())
    head = ("Fund and year", "Lines", "Gross", "Refunds", "Corrections", "Net", "Mission, net", "Difference")
    foot = _added("All", cells).shown()
    return f"<h2>Per fund and year ({escape(report.currency)})</h2>" + _table(head, rows, numbers=7, foot=foot)


@dataclass(frozen=True, slots=True)
class _FundCell:
    """One fund and year, or several added up."""

    label: str
    lines: int
    gross: Decimal
    refunds: Decimal
    corrections: Decimal
    net: Decimal
    mission: Decimal | None

    def shown(self) -> tuple[str, ...]:
        left = None if self.mission is None else self.mission - self.net
        amounts = (self.gross, self.refunds, self.corrections, self.net, self.mission, left)
        return self.label, f"{self.lines:,}", *("-" if amount is None else f"{amount:,.2f}" for amount in amounts)


def _fund_cells(report: ImportReport) -> list[_FundCell]:
    """Result: those that differ first, then the latest years."""
    found: dict[str, dict[str, ReconciliationRow]] = {}
    for row in report.rows:
        if row.measure.startswith("fund_year_"):
            found.setdefault(row.key, {})[row.measure.removeprefix("fund_year_")] = row
    keys = sorted(found, key=lambda key: found[key]["net"].label if "net" in found[key] else key)
    keys.sort(key=lambda key: key.rpartition("|")[2], reverse=True)
    keys.sort(key=lambda key: all(row.verdict is not Verdict.DIFFERS for row in found[key].values()))
    return [_fund_cell(found[key]) for key in keys if "net" in found[key]]


def _fund_cell(rows: Mapping[str, ReconciliationRow]) -> _FundCell:
    def source(measure: str) -> Decimal:
        return Decimal(rows[measure].source_value) if measure in rows else Decimal(0)

    net = rows["net"]
    return _FundCell(
        label=net.label or net.key,
        lines=int(source("lines")),
        gross=source("gross"),
        refunds=source("refunds"),
        corrections=source("corrections"),
        net=source("net"),
        mission=None if net.target_value is None else Decimal(net.target_value),
    )


def _added(label: str, cells: Sequence[_FundCell]) -> _FundCell:
    known = [cell.mission for cell in cells if cell.mission is not None]
    return _FundCell(
        label=label,
        lines=sum(cell.lines for cell in cells),
        gross=sum((cell.gross for cell in cells), Decimal(0)),
        refunds=sum((cell.refunds for cell in cells), Decimal(0)),
        corrections=sum((cell.corrections for cell in cells), Decimal(0)),
        net=sum((cell.net for cell in cells), Decimal(0)),
        mission=sum(known, Decimal(0)) if len(known) == len(cells) else None,
    )


def _bridge(report: ImportReport) -> str:
    if not report.bridge:
        return ""
    rows = [
        (line.label, f"{line.count:,}", _grouped(line.amount))
        for line in report.bridge
        if line.count or line.code in ("all", "mission")
    ]
    foot = ("Left, unexplained", "", _grouped(report.unexplained))
    return "<h2>From all of Rock to Mission</h2>" + _table(("", "Lines", report.currency), rows, numbers=2, foot=foot)


def _left_behind(report: ImportReport) -> str:
    rows = [
        (tallied.label, f"{tallied.count:,}" if tallied.count else "?", _amount_of(tallied))
        for tallied in (*report.not_moved, *report.other_types)
        if tallied.count or "not counted" in tallied.label
    ]
    text = "<h2>Not moved</h2>" + (_table(("", "Count", ""), rows, numbers=2) if rows else "<p>Nothing was found.</p>")
    already = [(tallied.label, f"{tallied.count:,}") for tallied in report.already_in_mission if tallied.count]
    if already:
        text += "<h2>Already in Mission</h2>" + _table(("", "Count"), already, numbers=1)
    return text


def _amount_of(tallied: Tallied) -> str:
    return "" if tallied.amount is None else _grouped(tallied.amount)


def _evidence(report: ImportReport) -> str:
    versions = report.versions
    compared = sum(int(row.source_value) for row in report.rows if row.measure in ("records_equal", "lines_equal"))
    said = (
        ("Source", f"{report.source.server} · {report.source.database} · install {report.source.install}"),
        ("Target", f"{report.mission.url} · {report.mission.organization}"),
        ("Evidence", _evidence_words(report, compared)),
        ("Filters", "; ".join(report.filters) or "none"),
        ("Ran", f"{report.started_at:%Y-%m-%d %H:%M} to {report.finished_at:%Y-%m-%d %H:%M} UTC"),
        (
            "Versions",
            f"Rock {versions.rock or '?'} · SQL Server {versions.sql_server or '?'} · agent {versions.agent or '?'} ·"
            f" mapping {versions.mapping or '?'} · Mission contract {versions.mission_contract or '?'}",
        ),
        ("Changed in Rock meanwhile", f"{report.changed_during_count:,}"),
        ("In Mission, gone from Rock", f"{report.gone_count:,}"),
    )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in said)
    digest = report.ledger_sha256 or "none"
    ledger = f'<dt>Ledger, SHA-256</dt><dd class="hash">{escape(digest)}</dd>'
    return f"<h2>Evidence</h2><dl>{listed}{ledger}</dl>"


def _evidence_words(report: ImportReport, compared: int) -> str:
    if report.evidence is Evidence.MISSION:
        return f"mission: its own sums and lists; {compared:,} records read back and compared field by field"
    return "acknowledged: accepted by Mission, not verified"


def _signatures(signed_for: str | None) -> str:
    name = escape(signed_for) if signed_for else "Treasurer"
    return (
        f'<div class="sign"><div>{name}<br>Date</div><div>Operator of the import<br>Date</div></div>'
        '<p class="small">Rock was counted by statements of its own, apart from the import. A difference is Mission'
        " less Rock. The ledger names what became of every record; its hash above seals it.</p>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int, foot: Sequence[str] = ()) -> str:
    """Result: a table whose last `numbers` columns are numbers."""
    first = len(head) - numbers

    def cells(values: Sequence[str], tag: str) -> str:
        shown = (
            f"<{tag}{' class=n' if place >= first else ''}{' scope=col' if tag == 'th' else ''}>{escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )
        return f"<tr>{''.join(shown)}</tr>"

    body = "".join(cells(row, "td") for row in rows)
    end = f"<tfoot>{cells(foot, 'td')}</tfoot>" if foot else ""
    return f"<table><thead>{cells(head, 'th')}</thead><tbody>{body}</tbody>{end}</table>"


def _grouped(amount: str | None) -> str:
    return "-" if amount is None else f"{Decimal(amount):,.2f}"


def _tristate(value: bool | None) -> str:
    return "null" if value is None else str(value).lower()


def _moment(report: ImportReport) -> str:
    return f"{report.finished_at:%Y-%m-%d %H:%M} UTC"
