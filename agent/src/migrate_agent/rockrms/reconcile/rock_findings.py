"""What a report says about the church's own data: funds, statuses, types, batches that do not add up, what stays."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_agent.rockrms.reconcile import statements
from migrate_agent.rockrms.reconcile.lines import CONTRIBUTION, decimal_of
from migrate_agent.rockrms.reconcile.mission_side import TABLES
from migrate_agent.rockrms.reconcile.ports import Scope, SqlReader
from migrate_agent.rockrms.reconcile.rock_side import guid
from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity, FundAnswer, FundRow, QualityFinding, StatusFound, Tallied, money

_LABELS = {
    "gift-date-missing": "Gift lines dated by their batch or by when they were entered",
    "gift-undated": "Gift lines without any date",
    "gift-without-donor": "Gift lines without a donor",
    "foreign-currency": "Gift lines given in another currency; their Amount is what counts",
    "gift-not-positive": "Gift lines of zero or less",
    "gift-without-batch": "Gift lines without a batch",
}
_WHERE = {
    "gift-date-missing": "origin IN ('batch', 'created')",
    "gift-undated": "day = ''",
    "gift-without-donor": "person = ''",
    "foreign-currency": "is_foreign",
    "gift-not-positive": "cents <= 0",
    "gift-without-batch": "batch = ''",
}


def findings(scope: Scope, book: Workbook) -> list[QualityFinding]:
    """Result: what a person should look at among the gifts in scope, and batches that do not add up."""
    found = []
    for code, label in _LABELS.items():
        where = f"bucket = 'scope' AND {_WHERE[code]}"
        count = next(book.query(f"SELECT count(*) FROM line WHERE {where}"))[0]
        if count:
            first = book.query(f"SELECT id FROM line WHERE {where} ORDER BY id LIMIT 20")
            names = [scope.facts.external_id(TABLES[Entity.CONTRIBUTIONS], row[0]) for row in first]
            found.append(
                QualityFinding(code=code, label=label, entity=Entity.CONTRIBUTIONS, count=count, examples=names)
            )
    unlike = list(_control_amounts(book))
    if unlike:
        found.append(
            QualityFinding(
                code="batch-control-differs",
                label="Batches whose control amount, typed by hand, is not the sum of their lines; nothing was changed",
                entity=Entity.CONTRIBUTIONS,
                count=len(unlike),
                examples=unlike[:20],
            )
        )
    return found


def funds(scope: Scope, book: Workbook) -> list[FundRow]:
    """Result: the accounts that gifts in scope name, with the fund in Mission that each becomes."""
    accounts = {account.guid: account for account in scope.facts.accounts.values()}
    names = {account.id: account.name for account in accounts.values()}
    choices = {choice.account_guid: choice.choice for choice in scope.settings.funds}
    rows = []
    for key, count, whole in book.query(
        """SELECT account, count(*), sum(cents) FROM line WHERE bucket = 'scope' GROUP BY account
        ORDER BY account LIMIT 2000"""
    ):
        account = accounts.get(key)
        campus = scope.facts.campuses.get(account.campus_id) if account and account.campus_id else None
        rows.append(
            FundRow(
                account_guid=key,
                name=account.name if account else key,
                campus=campus.name if campus else None,
                parent=names.get(account.parent_id) if account and account.parent_id else None,
                is_active=account.is_active if account else True,
                choice=choices.get(key),
                suggested=FundAnswer.SAME if key in scope.funds else FundAnswer.NEW,
                external_fund_id=scope.funds.get(key, scope.new_fund(key)),
                lines=count,
                amount=money(decimal_of(whole)),
            )
        )
    return rows


def statuses(scope: Scope, book: Workbook) -> list[StatusFound]:
    """Result: every transaction status but "failed" and none, with what it means."""
    decided = {text.strip().lower(): meaning for text, meaning in scope.settings.statuses.items()}
    return [
        StatusFound(status=text[:256], lines=count, amount=money(decimal_of(whole)), meaning=decided.get(text.lower()))
        for text, count, whole in book.query(
            """SELECT min(status), count(*), sum(cents) FROM line WHERE status <> '' AND lower(status) <> 'failed'
            AND bucket IN ('scope', 'failed') GROUP BY lower(status) ORDER BY 2 DESC LIMIT 50"""
        )
    ]


def other_types(rock: SqlReader, book: Workbook) -> list[Tallied]:
    """Result: transaction types that are not moved, with number and sum."""
    labels = {guid(row[0]): str(row[1]) for row in rock.rows(statements.transaction_types())}
    return [
        Tallied(
            code=key or "none", label=labels.get(key, "Without a type"), count=count, amount=money(decimal_of(whole))
        )
        for key, count, whole in book.query(
            """SELECT type, count(*), sum(cents) FROM line WHERE bucket = 'type' AND type <> ? GROUP BY type
            ORDER BY 2 DESC LIMIT 50""",
            (CONTRIBUTION,),
        )
    ]


def not_moved(rock: SqlReader, scope: Scope) -> list[Tallied]:
    """Result: what Rock has and no import moves; what the login may not count is named all the same."""
    names = frozenset(str(row[0]) for row in rock.rows(statements.tables()))
    return [
        _counted(rock, code, label, statement)
        for code, label, statement in statements.not_moved(names, scope.facts.has)
    ]


def _counted(rock: SqlReader, code: str, label: str, statement: str | None) -> Tallied:
    if statement is not None:
        try:
            return Tallied(code=code, label=label, count=int(next(iter(rock.rows(statement)))[0] or 0))
        except Fatal as refused:
            # A login may see a table that it may not read; what stays in Rock is no reason to stop.
            if refused.code is not ErrorCode.SQL_QUERY_REFUSED:
                raise
    return Tallied(code=code, label=f"{label}: not counted, this login may not read them", count=0)


def _control_amounts(book: Workbook) -> Iterator[str]:
    for key, name, control, whole in book.query(
        """SELECT b.id, b.name, b.control, coalesce(l.whole, 0) FROM raw_batch b
        LEFT JOIN (SELECT batch, sum(cents) AS whole FROM line WHERE batch <> '' GROUP BY batch) l
            ON l.batch = CAST(b.id AS TEXT) WHERE b.control <> coalesce(l.whole, 0) ORDER BY b.id"""
    ):
        said = f"control {money(decimal_of(control))}, lines {money(decimal_of(whole))}"
        yield f"FinancialBatch {key} ({name}): {said}"
