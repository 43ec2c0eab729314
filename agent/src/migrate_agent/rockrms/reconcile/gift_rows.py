"""The rows and the bridge of the gifts, out of the workbook: what a treasurer adds up, on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from migrate_agent.rockrms.reconcile.bridge import OUT_OF_SCOPE, Bridge, Step, bridge
from migrate_agent.rockrms.reconcile.lines import LineClass, decimal_of
from migrate_agent.rockrms.reconcile.mission_side import TABLES
from migrate_agent.rockrms.reconcile.ports import Scope
from migrate_agent.rockrms.reconcile.rows import MAX_NAMED, cell_rows, merged, money_row, number_row
from migrate_agent.rockrms.reconcile.workbook import Cell, Grouping, Workbook
from migrate_agent.rockrms.records import AccountRow
from migrate_contract.rockrms import Entity, Evidence, MoneyTotals, ReconciliationRow, Verdict, money

MAX_NAMED_ROWS = 500
"""Rows whose records are looked for: beyond that the CSV of differing records says more than a table."""
MAX_SMALL_ROWS = 300
"""Differing rows of one measure that has very many keys (giving unit and year)."""

_Key = tuple[str, str, str]
_CLASS_MEASURES = {
    LineClass.GIFT: "gross",
    LineClass.REFUND: "refunds",
    LineClass.CORRECTION: "corrections",
    LineClass.ZERO: "zero_lines",
}


class GiftRows:
    """Makes the rows of contributions. `read`: whether Mission's side is in the workbook."""

    def __init__(self, workbook: Workbook, scope: Scope, *, read: bool) -> None:
        self._book = workbook
        self._scope = scope
        self._read = read
        self._named = 0
        self._batch_names: dict[str, str] = {}
        self._fund_names = {
            scope.funds.get(account.guid, scope.new_fund(account.guid)): _fund_name(account, scope)
            for account in sorted(scope.facts.accounts.values(), key=lambda account: -account.id)
        }

    def rows(self) -> Iterator[ReconciliationRow]:
        """Yields the classes, fund x year, batches, payment methods, donors, giving unit x year."""
        self._book.run("DROP TABLE IF EXISTS found_line")
        self._book.run(
            """CREATE TABLE found_line AS SELECT f.external_id || ': ' || f.detail AS said, l.fund, l.day, l.class,
            l.batch, l.method, l.unit, l.person FROM finding f JOIN line l ON l.id = f.id
            WHERE f.entity = 'contributions'
            UNION SELECT f.external_id || ': ' || f.detail, a.fund, a.day, a.class, a.batch, a.method, a.unit, a.person
            FROM finding f JOIN aside a ON a.entity = f.entity AND a.id = f.id WHERE f.entity = 'contributions'"""
        )
        self._batch_names = {str(key): name for key, name in self._book.query("SELECT id, name FROM raw_batch")}
        yield from self._classes()
        yield from self._table(Grouping.FUND_DAY, "fund_year", lambda key: (key[0], key[1][:4], ""), self._fund_year)
        yield from self._classes_of_funds()
        yield from self._table(Grouping.BATCH, "batch", lambda key: key, self._batch)
        yield from self._table(Grouping.METHOD_DAY, "payment_method", lambda key: (key[0], "", ""), self._method)
        yield from self._donors()
        yield from self._many(Grouping.UNIT_YEAR, "giving_unit_year_net", "Giving units by year")
        yield from self._many(Grouping.PERSON_YEAR, "donor_year_net", "Donors by year")

    def totals(self) -> MoneyTotals:
        """Result: gross, refunds, corrections and net of Rock's lines in scope."""
        sums = dict.fromkeys(LineClass, (0, 0))
        for name, count, whole in self._book.query(
            "SELECT class, count(*), sum(cents) FROM line WHERE bucket = 'scope' GROUP BY class"
        ):
            sums[LineClass(name)] = (count, whole)
        return MoneyTotals(
            gross=_money(sums[LineClass.GIFT][1]),
            refunds=_money(sums[LineClass.REFUND][1]),
            corrections=_money(sums[LineClass.CORRECTION][1]),
            net=_money(sum(whole for _, whole in sums.values())),
            gifts=sums[LineClass.GIFT][0],
            refund_lines=sums[LineClass.REFUND][0],
            correction_lines=sums[LineClass.CORRECTION][0],
            zero_lines=sums[LineClass.ZERO][0],
        )

    def bridge(self) -> Bridge:
        """Result: from all lines of Rock to all lines of Mission."""
        steps: dict[str, Step] = {code: self._step("l.bucket = ?", (code,)) for code in OUT_OF_SCOPE}
        steps["errored"] = self._step(
            """EXISTS (SELECT 1 FROM finding f WHERE f.entity = 'contributions' AND f.id = l.id
            AND f.kind = 'errored')""",
            (),
        )
        for why in ("outside", "kept", "gone"):
            steps[why] = self._aside(why)
        counted = next(
            self._book.query(
                "SELECT coalesce(sum(count), 0), coalesce(sum(cents), 0) FROM cell WHERE grouping = 'FUND_DAY'"
            )
        )
        return bridge(self._step("1", ()), steps, Step(*counted))

    def _classes(self) -> Iterator[ReconciliationRow]:
        by_class = {cell.key[0]: cell for cell in merged(self._cells(Grouping.FUND_DAY), lambda key: (key[2], "", ""))}
        net = merged(by_class.values(), lambda key: ("", "", ""))
        whole = net[0] if net else Cell(("", "", ""), 0, 0, 0, 0)
        yield money_row(Entity.CONTRIBUTIONS, "net", whole.source_cents, self._target(whole.target_cents),
                        records=self._records("1", ()) if whole.differs else ())  # fmt: skip
        for name, measure in _CLASS_MEASURES.items():
            cell = by_class.get(name.value, Cell((name.value, "", ""), 0, 0, 0, 0))
            named = self._records("class = ?", (name.value,)) if cell.differs and self._read else ()
            if name is not LineClass.ZERO:
                yield money_row(Entity.CONTRIBUTIONS, measure, cell.source_cents, self._target(cell.target_cents),
                                records=named)  # fmt: skip
            yield number_row(
                Entity.CONTRIBUTIONS, measure if name is LineClass.ZERO else f"{measure}_lines",
                cell.source_count, self._target(cell.target_count), records=named,
            )  # fmt: skip

    def _classes_of_funds(self) -> Iterator[ReconciliationRow]:
        """Yields gross, refunds and corrections of each fund and year that has any."""
        cells = merged(self._cells(Grouping.FUND_DAY), lambda key: (key[0], key[1][:4], key[2]))
        for cell in cells:
            fund, year, kind = cell.key
            if kind == LineClass.ZERO.value or not (cell.source_cents or cell.target_cents):
                continue
            key, label, where, values = self._fund_year((fund, year, ""))
            named = self._records(f"{where} AND class = ?", (*values, kind)) if cell.differs else ()
            row = money_row(
                Entity.CONTRIBUTIONS, f"fund_year_{_measure_of(kind)}", cell.source_cents,
                cell.target_cents, key=key, label=label, records=named,
            )  # fmt: skip
            yield row if self._read else _unknown(row)

    def _table(
        self,
        grouping: Grouping,
        prefix: str,
        coarser: Callable[[_Key], _Key],
        describe: Callable[[_Key], tuple[str, str, str, Sequence[str]]],
    ) -> Iterator[ReconciliationRow]:
        cells = merged(self._cells(grouping), coarser)

        def name(key: _Key) -> tuple[str, str]:
            return describe(key)[:2]

        def records(cell: Cell) -> Sequence[str]:
            _, _, where, values = describe(cell.key)
            return self._records(where, values)

        for row in cell_rows(cells, prefix, name, records):
            yield row if self._read else _unknown(row)

    def _donors(self) -> Iterator[ReconciliationRow]:
        source = target = 0
        for cell in self._cells(Grouping.PERSON_YEAR):
            if cell.key[0]:
                source, target = source + cell.source_count, target + cell.target_count
        named = self._records("1", ()) if source != target and self._read else ()
        yield number_row(Entity.CONTRIBUTIONS, "gifts_with_donor", source, self._target(target), records=named)

    def _many(self, grouping: Grouping, measure: str, label: str) -> Iterator[ReconciliationRow]:
        """Yields one row that counts the keys, and one for each of the first that differ."""
        keys = unlike = 0
        differing: list[Cell] = []
        for cell in self._cells(grouping):
            keys += 1
            if cell.differs:
                unlike += 1
                if len(differing) < MAX_SMALL_ROWS:
                    differing.append(cell)
        column = grouping.keys[0]
        yield number_row(Entity.CONTRIBUTIONS, measure, keys, self._target(keys - unlike), label=label,
                         records=[] if not self._read or not unlike else self._records("1", ()))  # fmt: skip
        if self._read:
            for cell in differing:
                yield money_row(
                    Entity.CONTRIBUTIONS, measure, cell.source_cents, cell.target_cents,
                    key="|".join(cell.key[:2]), label=f"{cell.key[0] or 'without donor'}, {cell.key[1]}",
                    records=self._records(f"{column} = ? AND substr(day, 1, 4) = ?", cell.key[:2]), differs=True,
                )  # fmt: skip

    def _cells(self, grouping: Grouping) -> Iterator[Cell]:
        return self._book.cells(grouping)

    def _target(self, value: int) -> int | None:
        return value if self._read else None

    def _records(self, where: str, values: Sequence[str]) -> list[str]:
        self._named += 1
        if not self._read or self._named > MAX_NAMED_ROWS:
            return []
        found = self._book.query(f"SELECT DISTINCT said FROM found_line WHERE {where} ORDER BY said", values)
        return [str(row[0])[:400] for row in islice(found, MAX_NAMED)]

    def _fund_year(self, key: _Key) -> tuple[str, str, str, Sequence[str]]:
        fund, year, _ = key
        label = f"{self._fund_names.get(fund, fund)}, {year or 'undated'}"
        return f"{fund}|{year}", label, "fund = ? AND substr(day, 1, 4) = ?", (fund, year)

    def _batch(self, key: _Key) -> tuple[str, str, str, Sequence[str]]:
        name = self._batch_names.get(key[0], "")
        label = f"Batch {key[0]}{f': {name}' if name else ''}" if key[0] else "Without batch"
        return key[0], label, "batch = ?", (key[0],)

    def _method(self, key: _Key) -> tuple[str, str, str, Sequence[str]]:
        return key[0], key[0] or "Without payment method", "method = ?", (key[0],)

    def _step(self, where: str, values: Sequence[str]) -> Step:
        count, whole = next(
            iter(self._book.query(f"SELECT count(*), coalesce(sum(l.cents), 0) FROM line l WHERE {where}", values))
        )
        first = self._book.query(f"SELECT l.id FROM line l WHERE {where} ORDER BY l.id LIMIT {MAX_NAMED}", values)
        return Step(count, whole, [] if where == "1" else self._named_ids(first))

    def _aside(self, why: str) -> Step:
        count, whole = next(
            iter(
                self._book.query(
                    """SELECT count(*), coalesce(sum(cents), 0) FROM aside WHERE entity = 'contributions'
                    AND why = ?""",
                    (why,),
                )
            )
        )
        first = self._book.query(
            f"SELECT id FROM aside WHERE entity = 'contributions' AND why = ? ORDER BY id LIMIT {MAX_NAMED}", (why,)
        )
        return Step(count, whole, self._named_ids(first))

    def _named_ids(self, found: Iterator[Sequence[int]]) -> list[str]:
        return [self._scope.facts.external_id(TABLES[Entity.CONTRIBUTIONS], row[0]) for row in found]


def _fund_name(account: AccountRow, scope: Scope) -> str:
    """Result: the account's name; churches clone a fund for each campus under one name, so the campus is told too."""
    campus = scope.facts.campuses.get(account.campus_id) if account.campus_id is not None else None
    return f"{account.name.strip()} ({campus.name.strip()})" if campus else account.name.strip()


def _measure_of(kind: str) -> str:
    """Result: the measure of a class; a class that Mission made up is named as it is."""
    known = {name.value: measure for name, measure in _CLASS_MEASURES.items()}
    return known.get(kind, kind)


def _money(hundredths: int) -> str:
    return money(decimal_of(hundredths))


def _unknown(row: ReconciliationRow) -> ReconciliationRow:
    return row.model_copy(
        update={"target_value": None, "difference": None, "verdict": Verdict.UNKNOWN,
                "evidence": Evidence.ACKNOWLEDGED, "records": []}
    )  # fmt: skip
